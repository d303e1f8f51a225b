import type { IconNode } from "lucide";
import type { ButtonHTMLAttributes, ComponentChildren, Ref } from "preact";
import { Icon } from "./icon";
import "./button.css";

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "class" | "label">;

interface ButtonProps extends Native {
  kind?: "primary" | "secondary" | "quiet" | "danger";
  size?: "normal" | "small";
  icon?: IconNode;
  iconDirectional?: boolean;
  /** Something is under way: the button says so and does nothing more. */
  busy?: boolean;
  children: ComponentChildren;
  buttonRef?: Ref<HTMLButtonElement>;
}

export function Button({
  kind = "secondary",
  size = "normal",
  icon,
  iconDirectional,
  busy = false,
  children,
  type = "button",
  buttonRef,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      ref={buttonRef}
      type={type}
      class={`button button-${kind} button-${size}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <span class="button-busy" aria-hidden="true" /> : icon && <Icon of={icon} size={18} directional={iconDirectional ?? false} />}
      <span>{children}</span>
    </button>
  );
}

interface IconButtonProps extends Native {
  icon: IconNode;
  /** What it does, for everyone who does not see or know the icon. */
  label: string;
  kind?: "quiet" | "secondary" | "danger";
  directional?: boolean;
  iconSize?: number;
  buttonRef?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon, label, kind = "quiet", directional = false, iconSize = 20, type = "button", buttonRef, ...rest }: IconButtonProps) {
  return (
    <button {...rest} ref={buttonRef} type={type} class={`button button-${kind} button-icon`} aria-label={label} title={label}>
      <Icon of={icon} size={iconSize} directional={directional} />
    </button>
  );
}

interface ButtonLinkProps {
  href: string;
  kind?: "primary" | "secondary" | "quiet";
  size?: "normal" | "small";
  icon?: IconNode;
  /** What it is called, where its words alone do not say to which thing they belong. */
  label?: string;
  children: ComponentChildren;
}

/** A link that looks like a button, because it leads somewhere. */
export function ButtonLink({ href, kind = "secondary", size = "normal", icon, label, children }: ButtonLinkProps) {
  return (
    <a href={href} aria-label={label} class={`button button-${kind} button-${size}`}>
      {icon && <Icon of={icon} size={18} />}
      <span>{children}</span>
    </a>
  );
}
