/**
 * One person's media session: one RTCPeerConnection that sends the microphone, camera,
 * screen and screen sound, and has a pool of slots to receive in. The offer is made once,
 * while the person is still choosing a camera; after that nobody's coming, going, muting
 * or sharing needs a new one. Only more slots and a changed network do.
 *
 * The m-lines, in this order: microphone, camera, screen, screen sound (sendonly), then
 * the voice slots and the picture slots (recvonly). Sending begins with `send` (a track in
 * place of none: no negotiation) and ends with it: switched off means no packets.
 *
 * It heals itself for as long as it is open, without a limit of attempts: an ICE restart
 * at the first sign of trouble, a new RTCPeerConnection when that does not help. It never
 * opens a device, so healing never asks the person anything. It knows signaling only as
 * the function that exchanges an offer for an answer.
 */
import { signal } from "@preact/signals";
import type { MediaAnswer, MediaOffer, MediaWanted, Slot, Source } from "../protocol.gen";
import { narrowCodecs } from "./codecs";
import { cameraEncodings, encodingsOf, screenEncodings, type Encoding, type Wanted } from "./encodings";
import { mapSlots, type SlotMap } from "./slots";

/** How the session stands. */
export type ConnectionState =
  | "offered" // not in a meeting yet
  | "connecting"
  | "connected"
  | "interrupted" // it was connected; healing is under way
  | "closed";

export interface ConnectionOptions {
  audioSlots: number;
  videoSlots: number;
  /** Sends an offer to the server and gives its answer; called one at a time. */
  exchange: (offer: MediaOffer) => Promise<MediaAnswer>;
  /** Milliseconds; tests shorten them. */
  timing?: Partial<Timing>;
}

export interface Timing {
  /** From "disconnected" to an ICE restart: shorter cuts often heal alone. */
  patience: number;
  /** How long a restart may take before the connection is made anew. */
  restart: number;
  /** Between attempts while the server cannot be reached. */
  pause: number;
}

const TIMING: Timing = { patience: 1000, restart: 4000, pause: 1000 };

const SENDS: readonly Source[] = ["microphone", "camera", "screen", "screen_audio"];

/** One RTCPeerConnection and what was laid out in it. */
interface Session {
  readonly pc: RTCPeerConnection;
  readonly senders: Map<Source, RTCRtpTransceiver>;
  /** Receive transceivers; their mids are known once the offer is set. */
  readonly slots: RTCRtpTransceiver[];
  /** The server has answered an offer of it. */
  answered: boolean;
}

export class Connection {
  readonly state = signal<ConnectionState>("offered");
  /** What arrives, by source. */
  readonly received = signal<SlotMap>(new Map());
  /** The tracks of all voice slots, to be played. */
  readonly voiceTracks = signal<readonly MediaStreamTrack[]>([]);
  /** Counts what the healing did; for the statistics. */
  readonly healing = { restarts: 0, rebuilds: 0 };

  private readonly timing: Timing;
  private readonly tracks = new Map<Source, MediaStreamTrack>();
  private readonly wanted = new Map<Source, Wanted>();
  private readonly parameterQueues = new WeakMap<RTCRtpSender, Promise<void>>();
  private session: Session;
  private assigned: readonly Slot[] = [];
  private audioSlots: number;
  private videoSlots: number;
  private joined = false;
  private negotiating: Promise<void> = Promise.resolve();
  private healer: Promise<void> | undefined;
  private healAgain = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private networkKind = networkInformation()?.type;

  constructor(private readonly options: ConnectionOptions) {
    this.audioSlots = options.audioSlots;
    this.videoSlots = options.videoSlots;
    this.timing = { ...TIMING, ...options.timing };
    this.session = this.build();
    window.addEventListener("online", this.networkChanged);
    networkInformation()?.addEventListener("change", this.kindChanged);
  }

  /** The connection as it is now, for statistics. */
  get pc(): RTCPeerConnection {
    return this.session.pc;
  }

  /** Which mid carries which source of ours. */
  get sends(): Record<string, Source> {
    const result: Record<string, Source> = {};
    for (const [source, transceiver] of this.session.senders) if (transceiver.mid !== null) result[transceiver.mid] = source;
    return result;
  }

  /** The slots that there are, by kind. */
  get slotCount(): { audio: number; video: number } {
    return { audio: this.audioSlots, video: this.videoSlots };
  }

  /** The receiver of a slot. */
  receiver(mid: string): RTCRtpReceiver | undefined {
    return this.session.slots.find((transceiver) => transceiver.mid === mid)?.receiver;
  }

  /** Makes the first offer, before joining. Asked again, it gives the same offer. */
  async offer(): Promise<MediaOffer> {
    const { pc } = this.session;
    if (pc.signalingState === "stable" && !pc.localDescription) await pc.setLocalDescription();
    return { sdp: pc.localDescription?.sdp ?? "", sends: this.sends };
  }

  /** Takes the answer that came with the seat. */
  async accept(answer: MediaAnswer): Promise<void> {
    this.joined = true;
    this.state.value = "connecting";
    await this.answer(this.session, answer);
    this.watchdog();
  }

  /** Sends the first offer by itself: for those who were admitted from the lobby. */
  async join(): Promise<void> {
    this.joined = true;
    this.state.value = "connecting";
    await this.negotiate().catch(() => this.heal());
    this.watchdog();
  }

  /** Sends this track as that source, at once and without negotiation; undefined stops its packets. */
  async send(source: Source, track: MediaStreamTrack | undefined): Promise<void> {
    if (track) this.tracks.set(source, track);
    else this.tracks.delete(source);
    const transceiver = this.session.senders.get(source);
    if (!transceiver || this.state.value === "closed") return;
    // The encodings first: a picture must not start at a size that is not wanted.
    if (track) await this.applyEncodings(source);
    await transceiver.sender.replaceTrack(track ?? null).catch(() => undefined); // closed meanwhile
  }

  /** What the slots carry now ("media.slots"). */
  assign(slots: readonly Slot[]): void {
    this.assigned = slots;
    this.map();
  }

  /** Which encodings anybody watches ("media.wanted"). */
  want(wanted: MediaWanted): void {
    this.wanted.set(wanted.source, wanted.rids);
    void this.applyEncodings(wanted.source);
  }

  /** Makes sure that there are that many picture slots; more of them are one more offer. */
  async grow(videoSlots: number): Promise<void> {
    if (videoSlots <= this.videoSlots || this.state.value === "closed") return;
    const more = videoSlots - this.videoSlots;
    this.videoSlots = videoSlots;
    this.addSlots(this.session, "video", more);
    if (this.joined) await this.negotiate().catch(() => this.heal());
  }

  /** The server has lost the session ("media.gone"), or forgot us: start anew. */
  replace(): void {
    if (this.joined) this.heal(true);
  }

  /**
   * Starts over before joining again: the seat is gone (the server was restarted, or the
   * break was too long). `offer` then gives a new offer; what was sent is sent again.
   */
  async renew(): Promise<void> {
    this.joined = false;
    clearTimeout(this.timer);
    this.state.value = "offered";
    this.assigned = [];
    await this.rebuildSession();
  }

  /** Signs of a changed network: restart ICE although nothing was noticed yet. */
  readonly networkChanged = (): void => {
    if (this.joined) this.heal();
  };

  /** The same event tells of every new estimate of speed, which is no new network. */
  private readonly kindChanged = (): void => {
    const kind = networkInformation()?.type;
    if (kind === this.networkKind) return;
    this.networkKind = kind;
    this.networkChanged();
  };

  close(): void {
    this.state.value = "closed";
    this.joined = false;
    clearTimeout(this.timer);
    window.removeEventListener("online", this.networkChanged);
    networkInformation()?.removeEventListener("change", this.kindChanged);
    this.session.pc.close();
    this.received.value = new Map();
    this.voiceTracks.value = [];
  }

  // Building.

  private build(): Session {
    const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    const senders = new Map<Source, RTCRtpTransceiver>();
    for (const source of SENDS) {
      const kind = source === "camera" || source === "screen" ? "video" : "audio";
      const encodings = source === "camera" ? cameraEncodings(720) : source === "screen" ? screenEncodings() : undefined;
      const transceiver = pc.addTransceiver(kind, { direction: "sendonly", ...(encodings ? { sendEncodings: encodings } : {}) });
      narrowCodecs(transceiver, kind);
      senders.set(source, transceiver);
    }
    const session: Session = { pc, senders, slots: [], answered: false };
    this.addSlots(session, "audio", this.audioSlots);
    this.addSlots(session, "video", this.videoSlots);
    pc.addEventListener("connectionstatechange", () => this.connectionChanged(session));
    return session;
  }

  private addSlots(session: Session, kind: "audio" | "video", count: number): void {
    for (let i = 0; i < count; i++) {
      const transceiver = session.pc.addTransceiver(kind, { direction: "recvonly" });
      narrowCodecs(transceiver, kind);
      session.slots.push(transceiver);
    }
  }

  private map(): void {
    const tracks = new Map<string, MediaStreamTrack>();
    for (const { mid, receiver } of this.session.slots) if (mid !== null) tracks.set(mid, receiver.track);
    this.received.value = mapSlots(this.assigned, tracks, this.received.value);
  }

  // Negotiating: one offer at a time.

  private negotiate(prepare?: (pc: RTCPeerConnection) => void): Promise<void> {
    const run = async (): Promise<void> => {
      const session = this.session;
      if (session.pc.signalingState === "closed") return;
      prepare?.(session.pc);
      await session.pc.setLocalDescription();
      const answer = await this.options.exchange({ sdp: session.pc.localDescription?.sdp ?? "", sends: this.sends });
      await this.answer(session, answer);
    };
    const next = this.negotiating.then(run, run);
    this.negotiating = next.catch(() => undefined);
    return next;
  }

  private async answer(session: Session, answer: MediaAnswer): Promise<void> {
    // A session that was replaced or closed while its answer was under way.
    if (session !== this.session || session.pc.signalingState !== "have-local-offer") return;
    await session.pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    session.answered = true;
    this.voiceTracks.value = session.slots.filter((t) => t.receiver.track.kind === "audio").map((t) => t.receiver.track);
    this.map();
    await Promise.all(SENDS.map((source) => this.applyEncodings(source)));
  }

  /** Sets what is sent of a source: its settings, and which encodings are on. */
  private applyEncodings(source: Source): Promise<void> {
    const sender = this.session.senders.get(source)?.sender;
    const track = this.tracks.get(source);
    if (!sender || (source !== "camera" && source !== "screen")) return Promise.resolve();
    const apply = async (): Promise<void> => {
      if (this.session.pc.signalingState === "closed") return;
      const lines = track?.getSettings().height ?? 720;
      const encodings = encodingsOf(source, lines, this.wanted.get(source));
      const parameters = sender.getParameters();
      const sharp = source !== "screen" || parameters.degradationPreference === "maintain-resolution";
      if (!adjust(parameters, encodings) && sharp) return;
      if (!sharp) parameters.degradationPreference = "maintain-resolution";
      await sender.setParameters(parameters);
    };
    // The browser refuses two changes of one sender at once.
    const queue = this.parameterQueues.get(sender) ?? Promise.resolve();
    // A refusal (a negotiation came between reading and setting) is tried once more.
    const next = queue.then(apply).catch(() => apply().catch(() => undefined));
    this.parameterQueues.set(sender, next);
    return next;
  }

  // Healing.

  private connectionChanged(session: Session): void {
    if (session !== this.session || !this.joined) return;
    switch (session.pc.connectionState) {
      case "connected":
        clearTimeout(this.timer);
        this.state.value = "connected";
        break;
      case "disconnected":
        this.interrupted();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.heal(), this.timing.patience);
        break;
      case "failed":
        this.interrupted();
        this.heal();
        break;
      case "closed":
      case "connecting":
      case "new":
        break;
    }
  }

  private interrupted(): void {
    if (this.state.value === "connected") this.state.value = "interrupted";
  }

  /** A first connection that does not come about is made again, too. */
  private watchdog(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.session.pc.connectionState !== "connected") this.heal();
    }, this.timing.restart);
  }

  /** Heals until connected. Called while it runs, it makes one more round. */
  private heal(anew = false): void {
    clearTimeout(this.timer);
    if (this.healer) {
      this.healAgain = true;
      return;
    }
    this.healer = this.healUntilConnected(anew).finally(() => {
      this.healer = undefined;
      if (this.healAgain && this.joined) {
        this.healAgain = false;
        this.heal();
      }
    });
  }

  private async healUntilConnected(anew: boolean): Promise<void> {
    let rebuild = anew || !this.session.answered;
    while (this.joined) {
      try {
        if (rebuild) await this.rebuild();
        else {
          this.healing.restarts++;
          await this.negotiate((pc) => pc.restartIce());
        }
        if (await this.connectedWithin(this.timing.restart)) return;
        // The server answered, and yet no packet comes through: the session is lost.
        rebuild = true;
      } catch (error) {
        rebuild = rebuild || refusedByServer(error);
        await new Promise((resolve) => setTimeout(resolve, this.timing.pause));
      }
    }
  }

  private async rebuild(): Promise<void> {
    this.healing.rebuilds++;
    this.interrupted();
    await this.rebuildSession();
    await this.negotiate();
  }

  private async rebuildSession(): Promise<void> {
    // An exchange of the old session may be waiting for a socket; it must not hold us up.
    this.negotiating = Promise.resolve();
    this.session.pc.close();
    this.wanted.clear();
    this.session = this.build();
    for (const [source, track] of this.tracks) await this.session.senders.get(source)?.sender.replaceTrack(track);
    this.map();
  }

  private connectedWithin(milliseconds: number): Promise<boolean> {
    const { pc } = this.session;
    const good = () => pc.connectionState === "connected" && pc.iceConnectionState !== "disconnected";
    if (good()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        clearTimeout(timer);
        pc.removeEventListener("connectionstatechange", check);
        pc.removeEventListener("iceconnectionstatechange", check);
        resolve(result);
      };
      const check = () => {
        if (good()) finish(true);
        else if (pc.connectionState === "failed" || pc.connectionState === "closed") finish(false);
      };
      const timer = setTimeout(() => finish(false), milliseconds);
      pc.addEventListener("connectionstatechange", check);
      pc.addEventListener("iceconnectionstatechange", check);
    });
  }
}

/** Brings a sender's parameters to the encodings wished for; false if they are so already. */
export function adjust(parameters: RTCRtpSendParameters, encodings: readonly Encoding[]): boolean {
  let changed = false;
  parameters.encodings.forEach((current, i) => {
    const wish = encodings.find((e) => e.rid !== undefined && e.rid === current.rid) ?? encodings[i];
    if (!wish) return;
    const { active, scaleResolutionDownBy, maxBitrate } = wish;
    if (
      current.active !== active ||
      current.scaleResolutionDownBy !== scaleResolutionDownBy ||
      current.maxBitrate !== maxBitrate
    ) {
      Object.assign(current, { active, scaleResolutionDownBy, maxBitrate });
      changed = true;
    }
  });
  return changed;
}

/** Whether the server's word was that this session cannot go on. */
function refusedByServer(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "media_failed";
}

/** Some browsers tell of a change from one kind of network to another; others only of going online. */
function networkInformation(): (EventTarget & { type?: string }) | undefined {
  return (navigator as { connection?: EventTarget & { type?: string } }).connection;
}
