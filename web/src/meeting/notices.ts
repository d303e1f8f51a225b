/**
 * What the page tells in passing: toasts, which may offer one action, and announcements
 * for screen readers, which are few and gathered. Texts are functions, so that a toast
 * changes its language with the page.
 */
import { signal } from "@preact/signals";

export interface Toast {
  readonly id: number;
  /** A later toast of the same topic replaces the earlier one. */
  readonly topic: string;
  readonly tone: "plain" | "alert";
  readonly text: () => string;
  readonly action?: { readonly label: () => string; readonly run: () => void };
}

/** Milliseconds; a toast with an action waits longer. */
const SHOWN = 5000;
const SHOWN_WITH_ACTION = 20_000;
/** Announcements within this time become one. */
const GATHER = 1200;

export class Notices {
  readonly toasts = signal<readonly Toast[]>([]);
  /** What the live region says now. */
  readonly spoken = signal("");
  private ids = 0;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();
  private gathered: string[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;

  show(topic: string, text: () => string, options: { tone?: Toast["tone"]; action?: Toast["action"] } = {}): void {
    const id = ++this.ids;
    const { tone = "plain", action } = options;
    this.settle(topic);
    this.toasts.value = [...this.toasts.value, { id, topic, tone, text, ...(action ? { action } : {}) }].slice(-3);
    this.timers.set(
      id,
      setTimeout(() => this.dismiss(id), action ? SHOWN_WITH_ACTION : SHOWN),
    );
  }

  dismiss(id: number): void {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
  }

  /** Takes away what has been settled otherwise. */
  settle(topic: string): void {
    for (const toast of this.toasts.value) if (toast.topic === topic) this.dismiss(toast.id);
  }

  /** Says something to those who do not see it; several at once are said as one. */
  announce(text: string): void {
    if (!this.gathered.includes(text)) this.gathered.push(text);
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      // Many at once (thirty join within a second): the first three are enough to know.
      this.spoken.value = this.gathered.slice(0, 3).join(". ");
      this.gathered = [];
    }, GATHER);
  }

  close(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    clearTimeout(this.gathering);
    this.timers.clear();
    this.toasts.value = [];
  }
}
