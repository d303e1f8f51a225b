/**
 * Which picture or voice arrives in which slot. A slot is a receive m-line whose track
 * stays the same for the life of a connection; the server says whose media it carries
 * now ("media.slots", always the whole picture).
 */
import type { PersonID, Slot, Source } from "../protocol.gen";

/** Names one thing that one person sends. */
export type SourceKey = `${PersonID}/${Source}`;

export function sourceKey(person: PersonID, source: Source): SourceKey {
  return `${person}/${source}`;
}

/** Why nothing is sent although a slot is assigned. */
export type PauseReason = "bandwidth" | "codec" | "overload" | "unknown";

/** What arrives for one source. */
export interface Received {
  readonly mid: string;
  readonly track: MediaStreamTrack;
  readonly paused?: PauseReason;
}

export type SlotMap = ReadonlyMap<SourceKey, Received>;

function pauseReason(slot: Slot): PauseReason | undefined {
  if (!slot.paused) return undefined;
  switch (slot.reason) {
    case "bandwidth":
    case "codec":
    case "overload":
      return slot.reason;
    default:
      return "unknown";
  }
}

/**
 * Maps sources to what arrives for them. Entries that did not change keep their identity,
 * so that only the tiles concerned are drawn again. A mid that this connection does not
 * have belongs to an older one and is left out.
 */
export function mapSlots(
  slots: readonly Slot[],
  tracks: ReadonlyMap<string, MediaStreamTrack>,
  before: SlotMap = new Map(),
): SlotMap {
  const after = new Map<SourceKey, Received>();
  let changed = false;
  for (const slot of slots) {
    const track = tracks.get(slot.mid);
    if (!track) continue;
    const key = sourceKey(slot.person, slot.source);
    const paused = pauseReason(slot);
    const old = before.get(key);
    if (old && old.mid === slot.mid && old.track === track && old.paused === paused) {
      after.set(key, old);
      continue;
    }
    changed = true;
    after.set(key, { mid: slot.mid, track, ...(paused ? { paused } : {}) });
  }
  return changed || after.size !== before.size ? after : before;
}

/** Which person is heard in a mid, for levels. */
export function voices(slots: SlotMap): Map<string, PersonID> {
  const result = new Map<string, PersonID>();
  for (const [key, received] of slots) {
    const cut = key.lastIndexOf("/");
    if (key.slice(cut + 1) === "microphone") result.set(received.mid, key.slice(0, cut));
  }
  return result;
}
