/**
 * The person's own microphone, camera and screen while they are open. It hands out
 * tracks as signals; who sends them decides elsewhere. A device that ends by itself
 * (unplugged, taken by the system, asleep) is noticed and opened again when it is back;
 * the person is not asked twice.
 */
import { batch, signal, type Signal } from "@preact/signals";
import { troubleOf, type Devices, type InputKind, type Trouble } from "./devices";

/** One input: its track while open, and what is wrong if it should be open and is not. */
export interface Input {
  readonly track: Signal<MediaStreamTrack | undefined>;
  readonly trouble: Signal<Trouble | undefined>;
  /** Wished for: open it again whenever it is lost. */
  readonly wished: Signal<boolean>;
  /** The system mutes it (a lid, a hardware key): it is open but gives nothing. */
  readonly stalled: Signal<boolean>;
}

function input(): Input {
  return { track: signal(undefined), trouble: signal(undefined), wished: signal(false), stalled: signal(false) };
}

export class Capture {
  readonly microphone = input();
  readonly camera = input();
  readonly screen = signal<MediaStreamTrack | undefined>(undefined);
  readonly screenSound = signal<MediaStreamTrack | undefined>(undefined);
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(readonly devices: Devices) {
    navigator.mediaDevices?.addEventListener("devicechange", this.recover);
    document.addEventListener("visibilitychange", this.recover);
  }

  /**
   * Opens the inputs that are wished for and not open. Both at once ask one question; if
   * that fails, each is tried alone, so that a missing camera costs nobody their voice.
   * Never throws: what went wrong is in `trouble`.
   */
  open(kinds: readonly InputKind[]): Promise<void> {
    for (const kind of kinds) this[kind].wished.value = true;
    return this.serial(async () => {
      const wanted = kinds.filter((kind) => this[kind].wished.value && !alive(this[kind].track.value));
      if (wanted.length > 1) {
        try {
          return this.take(await this.devices.open(wanted));
        } catch {
          // Each alone, below, finds out which one it is.
        }
      }
      for (const kind of wanted) {
        try {
          this.take(await this.devices.open([kind]));
        } catch (error) {
          this[kind].trouble.value = troubleOf(error);
        }
      }
    });
  }

  /** Closes an input: its light goes out. */
  shut(kind: InputKind): void {
    const { track, trouble, wished, stalled } = this[kind];
    batch(() => {
      wished.value = false;
      trouble.value = undefined;
      stalled.value = false;
      track.value?.stop();
      track.value = undefined;
    });
  }

  /** Changes to the device that was just chosen; the old one stays if the new one fails. */
  change(kind: InputKind): Promise<void> {
    return this.serial(async () => {
      const target = this[kind];
      if (!target.wished.value) return;
      // Some systems open a device only once, so the old one is closed first.
      const old = target.track.value;
      old?.stop();
      try {
        this.take(await this.devices.open([kind]));
      } catch (error) {
        batch(() => {
          target.track.value = undefined;
          target.trouble.value = troubleOf(error);
        });
      }
    });
  }

  /** Opens a screen; throws what the browser threw. `ended` is called when sharing stops outside the page. */
  async share(ended: () => void): Promise<void> {
    const { picture, sound } = await this.devices.openScreen();
    picture.addEventListener("ended", ended, { once: true });
    batch(() => {
      this.screen.value = picture;
      this.screenSound.value = sound;
    });
  }

  unshare(): void {
    batch(() => {
      for (const track of [this.screen, this.screenSound]) {
        track.value?.stop();
        track.value = undefined;
      }
    });
  }

  close(): void {
    this.closed = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this.recover);
    document.removeEventListener("visibilitychange", this.recover);
    this.shut("microphone");
    this.shut("camera");
    this.unshare();
  }

  private take(tracks: readonly MediaStreamTrack[]): void {
    batch(() => {
      for (const track of tracks) {
        const kind: InputKind = track.kind === "audio" ? "microphone" : "camera";
        const target = this[kind];
        if (this.closed || !target.wished.value) {
          track.stop();
          continue;
        }
        if (kind === "camera") track.contentHint = "motion";
        track.addEventListener("ended", () => this.lost(kind, track));
        track.addEventListener("mute", () => this.stall(kind, track));
        track.addEventListener("unmute", () => this.stall(kind, track));
        target.track.value = track;
        target.trouble.value = undefined;
        target.stalled.value = track.muted;
      }
    });
  }

  private stall(kind: InputKind, track: MediaStreamTrack): void {
    if (this[kind].track.value === track) this[kind].stalled.value = track.muted;
  }

  private lost(kind: InputKind, track: MediaStreamTrack): void {
    const target = this[kind];
    if (target.track.value !== track) return;
    batch(() => {
      target.track.value = undefined;
      target.trouble.value = "ended";
    });
    void this.open([kind]); // another device of the kind may be there
  }

  /** Devices came or the page returned: opens what is wished for and was lost. */
  private readonly recover = (): void => {
    if (document.hidden) return;
    const again = (["microphone", "camera"] as const).filter((kind) => {
      const { wished, track, trouble } = this[kind];
      // Who refused is not asked again by a machine.
      return wished.value && !alive(track.value) && trouble.value !== "refused" && trouble.value !== "dismissed";
    });
    if (again.length > 0) void this.open(again);
  };

  private serial(work: () => Promise<void>): Promise<void> {
    const next = this.queue.then(work, work);
    this.queue = next.catch(() => undefined);
    return next;
  }
}

function alive(track: MediaStreamTrack | undefined): boolean {
  return track?.readyState === "live";
}
