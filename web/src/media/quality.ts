/**
 * Judges how well media gets through, from two readings of the browser's counters: a
 * grade and its cause. The words for a cause are in the dictionary; the figures stay
 * with the verdict. Pure.
 */

export type Grade = "good" | "fair" | "poor" | "none";

/** Causes, told to people in words. */
export type Cause =
  | "fine"
  | "loss" // packets are lost on the way to us
  | "delay" // the round trip is long
  | "freezes" // the picture stood still
  | "upload" // our upload is narrow or loses packets
  | "download" // the server sends less because our download is narrow
  | "processor" // this computer cannot keep up
  | "silent" // assigned, but nothing arrives
  | "interrupted"; // there is no connection

export interface Quality {
  readonly grade: Grade;
  readonly cause: Cause;
}

/** The counters of what arrives in one slot; times in seconds, rates in bits per second. */
export interface Inbound {
  readonly at: number;
  readonly packets: number;
  readonly lost: number;
  readonly bytes: number;
  readonly frames?: number;
  readonly dropped?: number;
  readonly freezes?: number;
  readonly frozenFor?: number;
  readonly concealed?: number;
  readonly samples?: number;
}

/** The counters of what leaves, all encodings of one source together. */
export interface Outbound {
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  /** What the server reported last: fraction lost, 0 to 1, and round trip in seconds. */
  readonly fractionLost?: number;
  readonly roundTrip?: number;
  readonly limited?: "none" | "cpu" | "bandwidth" | "other";
}

const GOOD: Quality = { grade: "good", cause: "fine" };

/** Bits per second between two readings. */
export function bitrate(before: { at: number; bytes: number }, now: { at: number; bytes: number }): number {
  const seconds = now.at - before.at;
  return seconds > 0 ? Math.max(0, ((now.bytes - before.bytes) * 8) / seconds) : 0;
}

/** The share of packets that were lost between two readings, 0 to 1. */
export function lossBetween(before: Inbound, now: Inbound): number {
  const lost = Math.max(0, now.lost - before.lost);
  const arrived = Math.max(0, now.packets - before.packets);
  return lost + arrived > 0 ? lost / (lost + arrived) : 0;
}

/** How one arriving picture is. `expected` is false while it is paused or switched off. */
export function judgePicture(before: Inbound, now: Inbound, expected: boolean): Quality {
  if (!expected) return GOOD;
  const seconds = now.at - before.at;
  if (seconds <= 0) return GOOD;
  if (now.packets === before.packets) return { grade: "none", cause: "silent" };
  const frozen = (now.frozenFor ?? 0) - (before.frozenFor ?? 0);
  const loss = lossBetween(before, now);
  const decoded = (now.frames ?? 0) - (before.frames ?? 0);
  const dropped = (now.dropped ?? 0) - (before.dropped ?? 0);
  if (loss > 0.08) return { grade: "poor", cause: "loss" };
  if (dropped > decoded && dropped > 5) return { grade: "poor", cause: "processor" };
  if (frozen > seconds * 0.3) return { grade: "poor", cause: "freezes" };
  if (loss > 0.02) return { grade: "fair", cause: "loss" };
  if ((now.freezes ?? 0) > (before.freezes ?? 0)) return { grade: "fair", cause: "freezes" };
  return GOOD;
}

/** How one arriving voice is. Silence sends little or nothing, which is no fault. */
export function judgeVoice(before: Inbound, now: Inbound): Quality {
  const samples = (now.samples ?? 0) - (before.samples ?? 0);
  const concealed = (now.concealed ?? 0) - (before.concealed ?? 0);
  const loss = lossBetween(before, now);
  if (now.packets === before.packets || samples <= 0) return GOOD;
  const gaps = concealed / samples;
  if (loss > 0.15 || gaps > 0.15) return { grade: "poor", cause: "loss" };
  if (loss > 0.05 || gaps > 0.05) return { grade: "fair", cause: "loss" };
  return GOOD;
}

/** How our own sending is. */
export function judgeSending(now: Outbound): Quality {
  const loss = now.fractionLost ?? 0;
  const roundTrip = now.roundTrip ?? 0;
  if (loss > 0.08) return { grade: "poor", cause: "upload" };
  if (roundTrip > 0.6) return { grade: "poor", cause: "delay" };
  if (now.limited === "cpu") return { grade: "fair", cause: "processor" };
  if (loss > 0.02 || now.limited === "bandwidth") return { grade: "fair", cause: "upload" };
  if (roundTrip > 0.3) return { grade: "fair", cause: "delay" };
  return GOOD;
}

const RANK: Record<Grade, number> = { good: 0, fair: 1, poor: 2, none: 3 };

/** The worst of several verdicts; the first of equals, so put the likeliest cause first. */
export function worst(...verdicts: readonly Quality[]): Quality {
  return verdicts.reduce((a, b) => (RANK[b.grade] > RANK[a.grade] ? b : a), GOOD);
}
