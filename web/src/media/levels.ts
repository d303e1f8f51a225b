/**
 * How loud everyone is: the person's own microphone (an AnalyserNode), and each voice
 * slot (what the receiver says of its last packets). One animation frame drives it all,
 * at most ten times a second, and signals change only when something is to be drawn.
 */
import { signal } from "@preact/signals";

/** Milliseconds between readings. */
const PERIOD = 100;
/** A voice counts as speaking above this (linear, 0 to 1), and for a while after. */
const SPEAKING = 0.015;
const HANGOVER = 500;

/** Root mean square of samples, 0 to 1. */
export function rms(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length > 0 ? Math.sqrt(sum / samples.length) : 0;
}

/** A meter's position, 0 to 1, for a linear level: 60 dB of range, in twenty steps. */
export function meter(level: number): number {
  if (level <= 0) return 0;
  const db = 20 * Math.log10(level);
  return Math.round(Math.min(1, Math.max(0, (db + 60) / 60)) * 20) / 20;
}

/**
 * Decides when somebody speaks into a switched-off microphone: a second of voice within
 * two, so that a cough or a door is no reason to speak up. Pure; time is an argument.
 */
export class MutedSpeech {
  private voiced: number[] = [];

  /** Takes one reading; true while the hint is due. */
  observe(now: number, level: number): boolean {
    if (level > SPEAKING * 2) this.voiced.push(now);
    this.voiced = this.voiced.filter((at) => now - at < 2000);
    return this.voiced.length * PERIOD >= 1000;
  }

  reset(): void {
    this.voiced = [];
  }
}

/** Who speaks, from levels: on at once, off after the hangover. Pure; time is an argument. */
export class Talkers {
  private readonly until = new Map<string, number>();

  observe(now: number, name: string, level: number): void {
    if (level > SPEAKING) this.until.set(name, now + HANGOVER);
  }

  /** Who speaks now; the set given back is the one given in if nothing changed. */
  at(now: number, before: ReadonlySet<string>): ReadonlySet<string> {
    for (const [name, until] of this.until) if (until < now) this.until.delete(name);
    if (this.until.size === before.size && [...before].every((name) => this.until.has(name))) return before;
    return new Set(this.until.keys());
  }
}

/** One voice slot to listen to. */
export interface Voice {
  readonly person: string;
  readonly receiver: RTCRtpReceiver;
}

export class Levels {
  /** The own microphone, 0 to 1 in twenty steps. */
  readonly own = signal(0);
  readonly speaking = signal<ReadonlySet<string>>(new Set());
  readonly mutedSpeech = signal(false);

  private context: AudioContext | undefined;
  private source: MediaStreamAudioSourceNode | undefined;
  private analyser: AnalyserNode | undefined;
  private samples = new Float32Array(1024);
  private frame = 0;
  private next = 0;
  private readonly talkers = new Talkers();
  private readonly hint = new MutedSpeech();

  /**
   * `me` names the person themselves in `speaking`; `voices` are the slots to read;
   * `live` is whether the own microphone is being sent.
   */
  constructor(
    private readonly me: string,
    private readonly voices: () => readonly Voice[],
    private readonly live: () => boolean,
  ) {
    this.frame = requestAnimationFrame(this.tick);
  }

  /** Which track the own level is read from. */
  listen(track: MediaStreamTrack | undefined): void {
    this.source?.disconnect();
    this.source = undefined;
    this.hint.reset();
    if (!track) {
      this.own.value = 0;
      return;
    }
    try {
      this.context ??= new AudioContext();
      void this.context.resume().catch(() => undefined);
      this.analyser ??= new AnalyserNode(this.context, { fftSize: 1024 });
      this.source = new MediaStreamAudioSourceNode(this.context, { mediaStream: new MediaStream([track]) });
      this.source.connect(this.analyser);
    } catch {
      // Firefox refuses a microphone whose sample rate is not the sound card's: no meter then.
      this.source = undefined;
    }
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.source?.disconnect();
    void this.context?.close();
  }

  private readonly tick = (now: number): void => {
    this.frame = requestAnimationFrame(this.tick);
    if (now < this.next) return;
    this.next = now + PERIOD;
    let own = 0;
    if (this.source && this.analyser) {
      this.analyser.getFloatTimeDomainData(this.samples);
      own = rms(this.samples);
    }
    this.own.value = meter(own);
    const live = this.live();
    if (live) {
      this.talkers.observe(now, this.me, own);
      this.hint.reset();
      this.mutedSpeech.value = false;
    } else {
      this.mutedSpeech.value = this.hint.observe(now, own);
    }
    for (const { person, receiver } of this.voices()) {
      const latest = receiver.getSynchronizationSources()[0];
      // A stopped voice keeps its last packet; only a recent one tells of speech.
      const recent = latest && performance.timeOrigin + performance.now() - wallClock(latest.timestamp) < 400;
      if (recent) this.talkers.observe(now, person, latest.audioLevel ?? 0);
    }
    this.speaking.value = this.talkers.at(now, this.speaking.value);
  };
}

/** Browsers count this timestamp from the epoch or from the page's birth. */
function wallClock(timestamp: number): number {
  return timestamp < 1e12 ? performance.timeOrigin + timestamp : timestamp;
}
