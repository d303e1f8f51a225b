/**
 * Reads the browser's counters every two seconds and turns them into verdicts per
 * picture and voice, one for our own sending, and rows of figures for the statistics
 * table. It draws nothing and words nothing.
 */
import { signal } from "@preact/signals";
import type { Connection } from "./connection";
import {
  bitrate,
  judgePicture,
  judgeSending,
  judgeVoice,
  lossBetween,
  worst,
  type Inbound,
  type Outbound,
  type Quality,
} from "./quality";
import type { SourceKey } from "./slots";

/** Milliseconds between readings. */
const PERIOD = 2000;

/** One line of the statistics table. Rates in bits per second, times in seconds. */
export interface Row {
  readonly direction: "in" | "out";
  /** Whose and what, for arriving media; the source and rid for our own. */
  readonly name: string;
  readonly mid: string;
  readonly codec: string;
  readonly bitrate: number;
  readonly packets: number;
  readonly lost: number;
  readonly loss: number;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  readonly frames?: number;
  readonly freezes?: number;
  readonly jitter?: number;
  readonly energy?: number;
  readonly level?: number;
  readonly limited?: string;
  readonly decoder?: string;
  readonly active?: boolean;
}

/** All that is known at one moment. */
export interface Report {
  readonly at: number;
  readonly rows: readonly Row[];
  readonly roundTrip?: number;
  readonly received: number;
  readonly sent: number;
  readonly cipher?: string;
  readonly dtls?: string;
  readonly local?: string;
  readonly remote?: string;
}

type Entry = Record<string, unknown> & { id: string; type: string; timestamp: number };

const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const maybe = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function inbound(entry: Entry): Inbound {
  return {
    at: entry.timestamp / 1000,
    packets: number(entry.packetsReceived),
    lost: number(entry.packetsLost),
    bytes: number(entry.bytesReceived),
    frames: number(entry.framesDecoded),
    dropped: number(entry.framesDropped),
    freezes: number(entry.freezeCount),
    frozenFor: number(entry.totalFreezesDuration),
    concealed: number(entry.concealedSamples) - number(entry.silentConcealedSamples),
    samples: number(entry.totalSamplesReceived),
  };
}

/** Turns one RTCStatsReport into rows; `names` says whose a receiving mid is. Pure. */
export function readReport(
  report: ReadonlyMap<string, Entry>,
  before: ReadonlyMap<string, Entry> | undefined,
  names: ReadonlyMap<string, string>,
  sends: Readonly<Record<string, string>>,
): Report {
  const rows: Row[] = [];
  let at = 0;
  let received = 0;
  let sent = 0;
  const codec = (entry: Entry) => text(report.get(text(entry.codecId))?.mimeType).replace(/^(audio|video)\//, "");
  const size = (entry: Entry) => {
    const width = maybe(entry.frameWidth);
    const height = maybe(entry.frameHeight);
    const fps = maybe(entry.framesPerSecond);
    return { ...(width ? { width } : {}), ...(height ? { height } : {}), ...(fps ? { fps } : {}) };
  };
  for (const entry of report.values()) {
    const old = before?.get(entry.id);
    if (entry.type === "inbound-rtp") {
      at = entry.timestamp;
      const now = inbound(entry);
      const rate = old ? bitrate(inbound(old), now) : 0;
      received += rate;
      const name = names.get(text(entry.mid));
      if (!name) continue;
      rows.push({
        direction: "in",
        name,
        mid: text(entry.mid),
        codec: codec(entry),
        bitrate: rate,
        packets: now.packets,
        lost: now.lost,
        loss: old ? lossBetween(inbound(old), now) : 0,
        jitter: number(entry.jitter),
        ...size(entry),
        ...(entry.kind === "video"
          ? { frames: now.frames ?? 0, freezes: now.freezes ?? 0, decoder: text(entry.decoderImplementation) }
          : { energy: number(entry.totalAudioEnergy), level: number(entry.audioLevel) }),
      });
    } else if (entry.type === "outbound-rtp") {
      at = entry.timestamp;
      const bytes = (e: Entry) => ({ at: e.timestamp / 1000, bytes: number(e.bytesSent) });
      const rate = old ? bitrate(bytes(old), bytes(entry)) : 0;
      sent += rate;
      const remote = report.get(text(entry.remoteId));
      const rid = text(entry.rid);
      rows.push({
        direction: "out",
        name: (sends[text(entry.mid)] ?? "") + (rid ? ` ${rid}` : ""),
        mid: text(entry.mid),
        codec: codec(entry),
        bitrate: rate,
        packets: number(entry.packetsSent),
        lost: number(remote?.packetsLost),
        loss: number(remote?.fractionLost),
        ...size(entry),
        ...(entry.kind === "video" ? { frames: number(entry.framesEncoded) } : {}),
        ...(entry.qualityLimitationReason ? { limited: text(entry.qualityLimitationReason) } : {}),
        ...(typeof entry.active === "boolean" ? { active: entry.active } : {}),
      });
    }
  }
  rows.sort((a, b) => a.direction.localeCompare(b.direction) * -1 || Number(a.mid) - Number(b.mid) || a.name.localeCompare(b.name));
  const transport = [...report.values()].find((entry) => entry.type === "transport");
  const pair =
    report.get(text(transport?.selectedCandidatePairId)) ??
    [...report.values()].find((entry) => entry.type === "candidate-pair" && entry.selected === true);
  const address = (id: unknown) => {
    const candidate = report.get(text(id));
    if (!candidate) return undefined;
    return `${text(candidate.protocol)} ${text(candidate.address) || "?"}:${number(candidate.port)}`;
  };
  const roundTrip = maybe(pair?.currentRoundTripTime);
  const cipher = text(transport?.srtpCipher);
  const dtls = text(transport?.dtlsState);
  const local = address(pair?.localCandidateId);
  const remote = address(pair?.remoteCandidateId);
  return {
    at,
    rows,
    received,
    sent,
    ...(roundTrip === undefined ? {} : { roundTrip }),
    ...(cipher ? { cipher } : {}),
    ...(dtls ? { dtls } : {}),
    ...(local ? { local } : {}),
    ...(remote ? { remote } : {}),
  };
}

const FINE: Quality = { grade: "good", cause: "fine" };

/** Reads for as long as it is open. */
export class Statistics {
  readonly report = signal<Report | undefined>(undefined);
  /** The verdict on every source that arrives. */
  readonly arriving = signal<ReadonlyMap<SourceKey, Quality>>(new Map());
  /** The verdict on ourselves: sending, and the worst of what arrives if all of it suffers. */
  readonly own = signal<Quality>(FINE);
  private before: ReadonlyMap<string, Entry> | undefined;
  private readonly since = new Map<SourceKey, { mid: string; at: number }>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly connection: Connection) {
    this.timer = setTimeout(this.tick, PERIOD);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Reads once, now. */
  async read(): Promise<void> {
    const { connection } = this;
    if (connection.state.value === "closed") return;
    const stats = await connection.pc.getStats();
    if (this.closed) return;
    const report = new Map<string, Entry>();
    stats.forEach((entry: Entry, id: string) => report.set(id, entry));
    const before = this.before;
    this.before = report;
    const received = connection.received.value;
    const names = new Map<string, string>();
    for (const [key, { mid }] of received) names.set(mid, key);
    this.report.value = readReport(report, before, names, connection.sends);
    this.judge(report, before);
  }

  private judge(report: ReadonlyMap<string, Entry>, before: ReadonlyMap<string, Entry> | undefined): void {
    const state = this.connection.state.value;
    if (state === "interrupted") {
      this.own.value = { grade: "none", cause: "interrupted" };
      return;
    }
    const byMid = new Map<string, [Inbound | undefined, Inbound]>();
    for (const entry of report.values()) {
      if (entry.type !== "inbound-rtp") continue;
      const old = before?.get(entry.id);
      byMid.set(text(entry.mid), [old && inbound(old), inbound(entry)]);
    }
    const verdicts = new Map<SourceKey, Quality>();
    for (const [key, { mid, paused }] of this.connection.received.value) {
      const reading = byMid.get(mid);
      // A slot that changed hands between the readings cannot be judged by them.
      const known = this.since.get(key);
      if (known?.mid !== mid) this.since.set(key, { mid, at: performance.now() });
      if (!reading?.[0] || known?.mid !== mid || performance.now() - known.at < PERIOD * 1.5) continue;
      const picture = key.endsWith("/camera") || key.endsWith("/screen");
      verdicts.set(key, picture ? judgePicture(reading[0], reading[1], !paused) : judgeVoice(reading[0], reading[1]));
    }
    for (const key of this.since.keys()) if (!this.connection.received.value.has(key)) this.since.delete(key);
    this.arriving.value = verdicts;
    const bad = [...verdicts.values()].filter((q) => q.grade !== "good");
    const download: Quality =
      bad.length > 1 && bad.length >= verdicts.size / 2 ? { grade: bad[0]!.grade, cause: "download" } : FINE;
    this.own.value = worst(judgeSending(outbound(report)), download);
  }

  private readonly tick = (): void => {
    const again = () => {
      if (!this.closed) this.timer = setTimeout(this.tick, PERIOD);
    };
    this.read().then(again, again);
  };
}

/** What we send, all together; its limit is that of the largest picture. */
function outbound(report: ReadonlyMap<string, Entry>): Outbound {
  let packets = 0;
  let bytes = 0;
  let fractionLost = 0;
  let roundTrip = 0;
  let limited: Outbound["limited"] = "none";
  for (const entry of report.values()) {
    if (entry.type === "outbound-rtp") {
      packets += number(entry.packetsSent);
      bytes += number(entry.bytesSent);
      if (entry.active !== false && entry.qualityLimitationReason === "cpu") limited = "cpu";
      else if (entry.active !== false && entry.qualityLimitationReason === "bandwidth" && limited === "none") limited = "bandwidth";
    } else if (entry.type === "remote-inbound-rtp") {
      fractionLost = Math.max(fractionLost, number(entry.fractionLost));
      roundTrip = Math.max(roundTrip, number(entry.roundTripTime));
    }
  }
  return { at: 0, packets, bytes, fractionLost, roundTrip, limited };
}
