import type { Signal } from "@preact/signals";
import { SendHorizontal } from "lucide";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { MAX_CHAT_RUNES } from "../protocol.gen";
import { IconButton } from "../ui/button";
import { t } from "./texts";

interface ComposerProps {
  draft: Signal<string>;
  autofocus: boolean;
  onSend: (text: string) => void;
}

const tallest = 180; // px to which the field grows before it scrolls

// A finger's keyboard has no Shift+Enter worth the name: there Enter begins a new line and
// the button sends.
const byFinger = () => matchMedia("(pointer: coarse)").matches;

/** Where a message is written. Its direction follows what is typed. */
export function Composer({ draft, autofocus, onSend }: ComposerProps) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.value;
  const excess = text.length > MAX_CHAT_RUNES ? [...text].length - MAX_CHAT_RUNES : 0;

  useEffect(() => {
    if (autofocus) field.current?.focus();
  }, []);
  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.blockSize = "auto";
    area.style.blockSize = `${Math.min(tallest, area.scrollHeight + 2)}px`;
  }, [text]);

  const send = () => {
    if (text.trim() === "" || excess > 0) return;
    draft.value = "";
    onSend(text.trim());
    field.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="unseen" for={id}>
        {t("write")}
      </label>
      <textarea
        ref={field}
        id={id}
        class="input composer-field"
        rows={1}
        dir="auto"
        placeholder={t("write")}
        aria-describedby={`${id}-hint`}
        aria-invalid={excess > 0 || undefined}
        value={text}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing || byFinger()) return;
          event.preventDefault();
          send();
        }}
      />
      <IconButton type="submit" icon={SendHorizontal} directional label={t("send")} kind="secondary" disabled={text.trim() === "" || excess > 0} />
      <p id={`${id}-hint`} class={excess > 0 ? "composer-note field-error" : "unseen"} role={excess > 0 ? "alert" : undefined}>
        {excess > 0 ? t("too_long", { count: excess }) : t("hint")}
      </p>
    </form>
  );
}
