import { useSignal } from "@preact/signals";
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { Icon } from "./icon";
import "./menu.css";

export interface MenuItem {
  label: string;
  /** The language of the label, where it is not the page's. */
  lang?: string;
  icon?: IconNode;
  danger?: boolean;
  disabled?: boolean;
  /** Set for an item that is on or off. */
  checked?: boolean;
  onSelect: () => void;
}

interface MenuProps {
  /** What the button is called, if its content is only an icon. */
  label: string;
  /** The button's content. */
  children: ComponentChildren;
  /** Classes of the button; a quiet one by default. */
  buttonClass?: string;
  items: readonly (MenuItem | "rule")[];
}

/**
 * A button that opens a list of actions (WAI-ARIA menu button). The list is a native
 * popover, so nothing clips it, and Escape or a press elsewhere closes it.
 */
export function Menu({ label, children, buttonClass = "button button-quiet button-icon", items }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const isOpen = useSignal(false); // its items are drawn only then: a table has many menus

  const entries = () => [...(popover.current?.querySelectorAll<HTMLButtonElement>("[role^=menuitem]:not(:disabled)") ?? [])];
  const close = () => {
    popover.current?.hidePopover();
    button.current?.focus();
  };
  const onToggle = (event: { newState: string }) => {
    if (event.newState !== "open" || !button.current || !popover.current) return;
    place(popover.current, button.current);
    popover.current.style.opacity = "";
    entries()[0]?.focus();
  };
  const onBeforeToggle = (event: { newState: string }) => {
    isOpen.value = event.newState === "open";
    if (isOpen.value && popover.current) popover.current.style.opacity = "0"; // until it is in its place
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      all[(next + all.length) % all.length]?.focus();
    } else if (event.key === "Tab") {
      popover.current?.hidePopover();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class={buttonClass}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-controls={id}
        popovertarget={id}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            popover.current?.showPopover();
          }
        }}
      >
        {children}
      </button>
      <div ref={popover} id={id} popover="auto" role="menu" aria-label={label} class="menu" onBeforeToggle={onBeforeToggle} onToggle={onToggle} onKeyDown={onKeyDown}>
        {(isOpen.value ? items : []).map((item, index) =>
          item === "rule" ? (
            <div key={`rule${index}`} role="separator" class="menu-rule" />
          ) : (
            <button
              key={item.label}
              type="button"
              lang={item.lang}
              role={item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
              aria-checked={item.checked}
              tabIndex={-1}
              disabled={item.disabled}
              class={item.danger ? "menu-item menu-danger" : "menu-item"}
              onClick={() => {
                close();
                item.onSelect();
              }}
            >
              {item.icon && <Icon of={item.icon} size={18} />}
              <span>{item.label}</span>
              {item.checked !== undefined && <span class="menu-check" aria-hidden="true" />}
            </button>
          ),
        )}
      </div>
    </>
  );
}

const gap = 4; // px between a button and its menu

/** Puts an open popover below its button, or above it where there is no room, within the window. */
export function place(popover: HTMLElement, button: HTMLElement): void {
  const from = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = from.bottom + gap + height <= innerHeight || from.top < height + gap;
  const start = document.documentElement.dir === "rtl" ? from.right - width : from.left;
  popover.style.top = `${Math.max(gap, below ? Math.min(from.bottom + gap, innerHeight - height - gap) : from.top - height - gap)}px`;
  // A place in the window is physical in both directions.
  popover.style.left = `${Math.min(Math.max(gap, start), innerWidth - width - gap)}px`;
}
