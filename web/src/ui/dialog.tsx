import { X } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button, IconButton } from "./button";
import { t } from "./texts";
import "./dialog.css";

interface DialogProps {
  title: string;
  size?: "normal" | "wide";
  /** Asked for by Escape, the cross, or a press beside the dialog; the owner takes it away. */
  onClose: () => void;
  /** The row of buttons at the end. */
  actions?: ComponentChildren;
  /** If given, the dialog is a form, and this is what its submit button does. */
  onSubmit?: () => void;
  /** A press beside it does not close it: it holds what was typed. */
  keepOnOutside?: boolean;
  children: ComponentChildren;
}

/**
 * A native modal dialog, open for as long as it is rendered. The browser traps the focus
 * and gives it back.
 */
export function Dialog({ title, size = "normal", onClose, actions, onSubmit, keepOnOutside = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();

  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // The first thing to fill in or to decide, not the cross that closes it all.
    element?.querySelector<HTMLElement>(".dialog-body :is(input, select, textarea), .dialog-actions button")?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const body = (
    <>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon={X} label={t("close")} onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
      {actions && <footer class="dialog-actions">{actions}</footer>}
    </>
  );
  return (
    <dialog
      ref={dialog}
      class={`dialog dialog-${size}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current && !keepOnOutside) onClose();
      }}
    >
      {onSubmit ? (
        <form
          class="dialog-frame"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {body}
        </form>
      ) : (
        <div class="dialog-frame">{body}</div>
      )}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What will happen, by name. */
  children: ComponentChildren;
  /** The verb, not "OK". */
  action: string;
  busy?: boolean;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks once before something that cannot be undone. */
export function Confirm({ title, children, action, busy = false, danger = true, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={onConfirm}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" kind={danger ? "danger" : "primary"} busy={busy}>
            {action}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
