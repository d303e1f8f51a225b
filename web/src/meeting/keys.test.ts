import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Keys, type KeyActions } from "./keys";

const names = ["microphone", "camera", "share", "hand", "chat", "people", "view", "fullScreen", "statistics", "sheet", "admit", "pin", "escape", "talk"] as const;

function actions(): { [K in (typeof names)[number]]: ReturnType<typeof vi.fn> } & KeyActions {
  return Object.fromEntries(names.map((name) => [name, vi.fn()])) as never;
}

function press(kind: "keydown" | "keyup", code: string, options: KeyboardEventInit = {}, target: EventTarget = document.body): KeyboardEvent {
  const event = new KeyboardEvent(kind, { code, key: code.replace(/^(Key|Digit)/, ""), bubbles: true, cancelable: true, ...options });
  target.dispatchEvent(event);
  return event;
}

let keys: Keys;
let did: ReturnType<typeof actions>;

beforeEach(() => {
  vi.useFakeTimers();
  document.body.replaceChildren();
  did = actions();
  keys = new Keys(did, window);
});

afterEach(() => {
  keys.close();
  vi.useRealTimers();
});

describe("single keys", () => {
  test("are found by their place, so that an Arabic layout has them too", () => {
    press("keydown", "KeyM", { key: "ة" });
    press("keydown", "KeyP", { key: "ح" });
    expect(did.microphone).toHaveBeenCalledOnce();
    expect(did.people).toHaveBeenCalledOnce();
  });

  test("act once while held, and not with modifiers", () => {
    press("keydown", "KeyM", { repeat: true });
    press("keydown", "KeyM", { ctrlKey: true });
    expect(did.microphone).not.toHaveBeenCalled();
  });

  test("number the people to pin", () => {
    press("keydown", "Digit3", { key: "3" });
    expect(did.pin).toHaveBeenCalledWith(3);
  });

  test("open the sheet with ? of either script", () => {
    press("keydown", "Slash", { key: "?", shiftKey: true });
    press("keydown", "Slash", { key: "؟", shiftKey: true });
    expect(did.sheet).toHaveBeenCalledTimes(2);
  });

  test("do nothing while the person types or is in a dialog", () => {
    document.body.innerHTML = `<textarea></textarea><dialog><button>x</button></dialog>`;
    press("keydown", "KeyM", {}, document.querySelector("textarea")!);
    press("keydown", "KeyM", {}, document.querySelector("dialog button")!);
    press("keydown", "Space", { key: " " }, document.querySelector("textarea")!);
    expect(did.microphone).not.toHaveBeenCalled();
    expect(did.talk).not.toHaveBeenCalled();
  });
});

describe("Space", () => {
  test("talks for as long as it is held", () => {
    press("keydown", "Space");
    press("keydown", "Space", { repeat: true });
    expect(did.talk.mock.calls).toEqual([[true]]);
    press("keyup", "Space");
    expect(did.talk.mock.calls).toEqual([[true], [false]]);
  });

  test("presses a focused button when short, and talks when long", () => {
    document.body.innerHTML = `<button></button>`;
    const button = document.querySelector("button")!;
    const clicked = vi.fn();
    button.addEventListener("click", clicked);

    press("keydown", "Space", {}, button);
    vi.advanceTimersByTime(100);
    press("keyup", "Space", {}, button);
    expect(clicked).toHaveBeenCalledOnce();
    expect(did.talk).not.toHaveBeenCalled();

    press("keydown", "Space", {}, button);
    vi.advanceTimersByTime(300);
    expect(press("keyup", "Space", {}, button).defaultPrevented).toBe(true);
    expect(clicked).toHaveBeenCalledOnce();
    expect(did.talk.mock.calls).toEqual([[true], [false]]);
  });

  test("lets go when the window loses the focus", () => {
    press("keydown", "Space");
    window.dispatchEvent(new Event("blur"));
    expect(did.talk.mock.calls).toEqual([[true], [false]]);
    press("keyup", "Space");
    expect(did.talk).toHaveBeenCalledTimes(2);
  });
});
