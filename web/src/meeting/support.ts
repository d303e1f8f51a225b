/**
 * `window.tarasul`: what support may look at from the browser's console, and what the
 * end-to-end tests read. It only tells; nothing can be changed through it, and it tells
 * nothing that the statistics table does not show.
 */
import type { Report } from "../media/stats";
import type { MeetingSession } from "./session";

export interface Support {
  readonly phase: string;
  readonly connection: string;
  readonly healing: { readonly restarts: number; readonly rebuilds: number };
  readonly seats: readonly { person: string; microphone: boolean; camera: boolean; screen: boolean }[];
  /** Each tile's key ("person/source"), whether its picture runs, and its lines. */
  readonly tiles: readonly { key: string; running: boolean; lines: number }[];
  /** Reads the browser's counters now. */
  read(): Promise<Report | undefined>;
}

declare global {
  interface Window {
    tarasul?: Support;
  }
}

/** Shows a session to support until the returned function is called. */
export function expose(session: MeetingSession): () => void {
  const support: Support = Object.freeze({
    get phase() {
      return session.phase.peek();
    },
    get connection() {
      return session.connection.peek()?.state.peek() ?? "none";
    },
    get healing() {
      return { ...(session.connection.peek()?.healing ?? { restarts: 0, rebuilds: 0 }) };
    },
    get seats() {
      return session.roster.seats.peek().map(({ person, microphone, camera, screen }) => ({ person, microphone, camera, screen }));
    },
    get tiles() {
      return [...document.querySelectorAll<HTMLElement>("[data-key]")].map((tile) => {
        const video = tile.querySelector("video");
        return { key: tile.dataset["key"] ?? "", running: (video?.readyState ?? 0) >= 2 && !!video?.srcObject, lines: video?.videoHeight ?? 0 };
      });
    },
    async read() {
      const statistics = session.statistics.peek();
      await statistics?.read();
      return statistics?.report.peek();
    },
  });
  window.tarasul = support;
  return () => {
    if (window.tarasul === support) delete window.tarasul;
  };
}
