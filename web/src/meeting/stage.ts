/**
 * What stands on the stage. A shared screen or the chair's spotlight takes it by itself;
 * after that the person's own choice wins, until the next share or spotlight. Pure: every
 * event gives the next state.
 */
import type { PersonID } from "../protocol.gen";
import { sourceKey, type SourceKey } from "../media/slots";

export type ViewMode = "grid" | "speaker";

export interface StageState {
  readonly mode: ViewMode;
  /** The person's own pin. */
  readonly pin?: SourceKey | undefined;
  /** What took the stage by itself. */
  readonly taken?: SourceKey | undefined;
  /** Screens that are shared now, the latest last. */
  readonly shares: readonly SourceKey[];
  readonly spotlight?: SourceKey | undefined;
}

export const EMPTY_STAGE: StageState = { mode: "grid", shares: [] };

/** Screens that are shared now. A new one takes the stage, also from an older pin. */
export function withShares(state: StageState, people: readonly PersonID[]): StageState {
  const now = people.map((person) => sourceKey(person, "screen"));
  const kept = state.shares.filter((key) => now.includes(key));
  const fresh = now.filter((key) => !state.shares.includes(key));
  if (fresh.length === 0 && kept.length === state.shares.length) return state;
  const shares = [...kept, ...fresh];
  const latest = fresh.at(-1);
  if (latest) return { ...state, shares, taken: latest, pin: undefined };
  const gone = (key: SourceKey | undefined) => key !== undefined && key.endsWith("/screen") && !shares.includes(key);
  return {
    ...state,
    shares,
    pin: gone(state.pin) ? undefined : state.pin,
    taken: gone(state.taken) ? (shares.at(-1) ?? state.spotlight) : state.taken,
  };
}

/** The chair's spotlight; it does not push a shared screen off the stage. */
export function withSpotlight(state: StageState, person: PersonID | undefined): StageState {
  const spotlight = person ? sourceKey(person, "camera") : undefined;
  if (spotlight === state.spotlight) return state;
  const sharing = state.taken?.endsWith("/screen") ?? false;
  return { ...state, spotlight, taken: sharing ? state.taken : spotlight };
}

/** The person chooses grid or speaker view: nothing else stands in its way. */
export function withMode(state: StageState, mode: ViewMode): StageState {
  return { ...state, mode, pin: undefined, taken: undefined };
}

/** The person pins a picture; the same again lets it go. */
export function withPin(state: StageState, key: SourceKey): StageState {
  return { ...state, pin: state.pin === key ? undefined : key };
}

/** Somebody has left: nothing of theirs stays. */
export function withoutPerson(state: StageState, person: PersonID): StageState {
  const theirs = (key: SourceKey | undefined) => key?.startsWith(`${person}/`) ?? false;
  if (!theirs(state.pin) && !theirs(state.taken)) return state;
  return {
    ...state,
    pin: theirs(state.pin) ? undefined : state.pin,
    taken: theirs(state.taken) ? undefined : state.taken,
  };
}

/** What is on the stage: undefined is the grid. */
export function onStage(state: StageState, speaker: PersonID | undefined): SourceKey | undefined {
  return state.pin ?? state.taken ?? (state.mode === "speaker" && speaker ? sourceKey(speaker, "camera") : undefined);
}
