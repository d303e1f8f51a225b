/**
 * The keyboard of the meeting: single keys, by their place on the keyboard, so that they
 * are the same on an Arabic layout; and Space, which is held to talk.
 *
 * Space also presses a focused button, for those who work by keyboard. Both live together:
 * a short press on a button presses it, a longer one talks.
 */

/** What keys do. A function that is not given leaves its key alone. */
export interface KeyActions {
  microphone: () => void;
  camera: () => void;
  share: () => void;
  hand: () => void;
  chat: () => void;
  people: () => void;
  view: () => void;
  fullScreen: () => void;
  statistics: () => void;
  sheet: () => void;
  admit: () => void;
  /** 1 to 9; 0 lets go. */
  pin: (position: number) => void;
  escape: () => void;
  /** Space goes down and up. */
  talk: (on: boolean) => void;
}

const LETTERS: Readonly<Record<string, keyof Omit<KeyActions, "pin" | "talk" | "escape" | "sheet">>> = {
  KeyM: "microphone",
  KeyV: "camera",
  KeyS: "share",
  KeyH: "hand",
  KeyC: "chat",
  KeyP: "people",
  KeyG: "view",
  KeyF: "fullScreen",
  KeyI: "statistics",
  KeyA: "admit",
};

/** Milliseconds after which Space on a button is talk and no longer a press. */
const HOLD = 250;

/** Whether the person is typing, or in a dialog or menu that has keys of its own. */
export function busyElsewhere(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog, [role=menu], [popover]:popover-open")) return true;
  if (target instanceof HTMLElement && target.isContentEditable) return true;
  const field = target.closest("input, textarea, select, [role=textbox]");
  return field !== null && !(field instanceof HTMLInputElement && /^(button|checkbox|radio|range|submit)$/.test(field.type));
}

export class Keys {
  private talking = false;
  private held: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly actions: KeyActions,
    private readonly target: Window = window,
  ) {
    target.addEventListener("keydown", this.down);
    target.addEventListener("keyup", this.up);
    target.addEventListener("blur", this.letGo);
  }

  close(): void {
    this.letGo();
    this.target.removeEventListener("keydown", this.down);
    this.target.removeEventListener("keyup", this.up);
    this.target.removeEventListener("blur", this.letGo);
  }

  private readonly down = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.defaultPrevented || busyElsewhere(event.target)) return;
    if (event.code === "Space") return this.spaceDown(event);
    if (event.repeat) return;
    if (event.key === "?" || event.key === "؟") this.actions.sheet();
    else if (event.key === "Escape") return this.actions.escape(); // the browser's own use of it stays
    else if (/^(Digit|Numpad)\d$/.test(event.code) && !event.shiftKey) this.actions.pin(Number(event.code.slice(-1)));
    else {
      const name = event.shiftKey ? undefined : LETTERS[event.code];
      if (!name) return;
      this.actions[name]();
    }
    event.preventDefault();
  };

  private spaceDown(event: KeyboardEvent): void {
    const onControl = pressable(event.target);
    if (onControl instanceof HTMLInputElement) return; // a checkbox keeps its key
    event.preventDefault();
    if (event.repeat || this.talking || this.held !== undefined) return;
    if (!onControl) return this.talk(true);
    this.held = setTimeout(() => {
      this.held = undefined;
      this.talk(true);
    }, HOLD);
  }

  private readonly up = (event: KeyboardEvent): void => {
    if (event.code !== "Space") return;
    if (this.held !== undefined) {
      clearTimeout(this.held);
      this.held = undefined;
      event.preventDefault();
      pressable(event.target)?.click();
    } else if (this.talking) {
      event.preventDefault(); // or the button under the focus is pressed as well
      this.talk(false);
    }
  };

  /** The window lost the focus: nobody stays on air without knowing. */
  private readonly letGo = (): void => {
    clearTimeout(this.held);
    this.held = undefined;
    if (this.talking) this.talk(false);
  };

  private talk(on: boolean): void {
    this.talking = on;
    this.actions.talk(on);
  }
}

function pressable(target: EventTarget | null): HTMLElement | null {
  if (!(target instanceof Element)) return null;
  return target.closest<HTMLElement>("button, [role=button], summary, input[type=checkbox], input[type=radio]");
}
