/**
 * Microphones, cameras and loudspeakers: which there are, which the person chose, and how
 * to open one. Every way in which opening can fail has a name, for which the dictionary
 * has words and a remedy.
 */
import { signal } from "@preact/signals";

export type InputKind = "microphone" | "camera";
export type DeviceKind = InputKind | "speaker";

/** One device as the lists show it. The label is empty before permission is given. */
export interface Device {
  readonly id: string;
  readonly label: string;
}

/** Why an input could not be opened. */
export type Trouble =
  | "insecure" // the page is not on https or localhost: browsers then have no devices
  | "refused" // the person or a policy said no
  | "dismissed" // the question was closed without an answer
  | "missing" // there is no such device
  | "busy" // another program holds it, or it failed to start
  | "unfit" // the chosen device cannot do what is asked of it
  | "ended" // it was unplugged or the system took it away
  | "unknown";

/** Names what getUserMedia or getDisplayMedia threw (W3C mediacapture-main section 10.2). */
export function troubleOf(error: unknown): Trouble {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const message = error instanceof Error || error instanceof DOMException ? error.message : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
    case "PermissionDeniedError":
      return /dismiss/i.test(message) ? "dismissed" : "refused";
    case "NotFoundError":
    case "DevicesNotFoundError":
      return "missing";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    case "OverconstrainedError":
    case "ConstraintNotSatisfiedError":
      return "unfit";
    case "TypeError":
      return "insecure";
    default:
      return "unknown";
  }
}

/** What the person chose; remembered on this computer. */
export interface Choice {
  microphone?: string;
  camera?: string;
  speaker?: string;
  /** Lines of picture to ask the camera for. */
  lines: 720 | 360;
  /** Whether each was on when the person last joined. */
  microphoneOn: boolean;
  cameraOn: boolean;
  /** No notification sounds. */
  quiet: boolean;
}

const STORE = "tarasul.devices";
const DEFAULT: Choice = { lines: 720, microphoneOn: true, cameraOn: true, quiet: false };

function recall(): Choice {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE) ?? "{}") as Partial<Choice>;
    return { ...DEFAULT, ...stored, lines: stored.lines === 360 ? 360 : 720 };
  } catch {
    return { ...DEFAULT }; // storage is switched off, or holds something of another age
  }
}

/** The constraints with which an input is opened. */
export function constraintsOf(kind: InputKind, choice: Choice, exact: boolean): MediaTrackConstraints {
  const id = choice[kind];
  const device = id ? { deviceId: exact ? { exact: id } : { ideal: id } } : {};
  if (kind === "microphone") return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const lines = choice.lines;
  return { ...device, width: { ideal: (lines * 16) / 9 }, height: { ideal: lines }, frameRate: { ideal: 30, max: 30 } };
}

/** The devices of this computer and the person's choice among them. */
export class Devices {
  readonly microphones = signal<readonly Device[]>([]);
  readonly cameras = signal<readonly Device[]>([]);
  readonly speakers = signal<readonly Device[]>([]);
  readonly choice = signal<Choice>(recall());
  /** Whether sound can be sent to a chosen loudspeaker here. */
  readonly speakerChoice = typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;

  /** Not there on an insecure page, whatever the types say. */
  private readonly api: MediaDevices | undefined = navigator.mediaDevices;

  constructor() {
    this.api?.addEventListener("devicechange", this.changed);
  }

  close(): void {
    this.api?.removeEventListener("devicechange", this.changed);
  }

  private readonly changed = (): void => void this.refresh();

  /** Reads the lists anew; labels are there once one input was opened. */
  async refresh(): Promise<void> {
    const all = (await this.api?.enumerateDevices().catch(() => [])) ?? [];
    const list = (kind: MediaDeviceKind): Device[] =>
      all.filter((d) => d.kind === kind && d.deviceId !== "").map((d) => ({ id: d.deviceId, label: d.label }));
    this.microphones.value = list("audioinput");
    this.cameras.value = list("videoinput");
    this.speakers.value = list("audiooutput");
  }

  /** Changes the choice and remembers it. */
  choose(change: Partial<Choice>): void {
    this.choice.value = { ...this.choice.value, ...change };
    try {
      localStorage.setItem(STORE, JSON.stringify(this.choice.value));
    } catch {
      // Storage is switched off: the choice holds for this page.
    }
  }

  /**
   * Opens inputs with one question to the person. If the chosen device is gone, another
   * of its kind is taken. Throws what the browser threw.
   */
  async open(kinds: readonly InputKind[]): Promise<MediaStreamTrack[]> {
    const api = this.api;
    if (!api?.getUserMedia) throw new TypeError("no media devices on an insecure page");
    const ask = (exact: boolean) =>
      api.getUserMedia({
        audio: kinds.includes("microphone") && constraintsOf("microphone", this.choice.value, exact),
        video: kinds.includes("camera") && constraintsOf("camera", this.choice.value, exact),
      });
    let stream: MediaStream;
    try {
      stream = await ask(true);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble !== "unfit" && trouble !== "missing") throw error;
      stream = await ask(false);
    }
    void this.refresh();
    return stream.getTracks();
  }

  /** Lets the person pick a screen or window, with its sound where the browser can. */
  async openScreen(): Promise<{ picture: MediaStreamTrack; sound?: MediaStreamTrack }> {
    const api = this.api;
    if (!api?.getDisplayMedia) throw new TypeError("no screen capture here");
    const stream = await api.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
    const picture = stream.getVideoTracks()[0]!;
    const sound = stream.getAudioTracks()[0];
    // Letters matter more than motion: the encoder keeps the size and gives up frames.
    picture.contentHint = "detail";
    return sound ? { picture, sound } : { picture };
  }
}
