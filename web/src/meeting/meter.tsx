import type { ReadonlySignal } from "@preact/signals";
import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "./texts";

/** A level from 0 to 1 as a bar. Drawn by the signal alone: nothing is rendered again. */
export function Meter({ level }: { level: ReadonlySignal<number> }) {
  const meter = useRef<HTMLSpanElement>(null);
  useSignalEffect(() => {
    meter.current?.style.setProperty("--level", String(level.value));
  });
  return (
    <span class="meter" role="img" aria-label={t("level")}>
      <span ref={meter} class="meter-fill" />
    </span>
  );
}
