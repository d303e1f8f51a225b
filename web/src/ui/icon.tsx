import type { IconNode } from "lucide";
import { h } from "preact";

interface IconProps {
  of: IconNode;
  /** Side in px. */
  size?: number;
  /** Mirrored in right-to-left pages: only for what points along the text. */
  directional?: boolean;
}

/** A lucide icon. It is never the only bearer of a meaning: a label stands beside it or on its button. */
export function Icon({ of, size = 20, directional = false }: IconProps) {
  return (
    <svg
      class={directional ? "icon icon-directional" : "icon"}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {of.map(([tag, attributes]) => h(tag, attributes as Record<string, string>))}
    </svg>
  );
}
