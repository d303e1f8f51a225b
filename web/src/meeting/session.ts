/**
 * One person's stay in one meeting, from the first look to the end: it joins what the
 * server says (Roster) with what the browser sends and receives (src/media), and offers
 * the page signals to draw and verbs to call. It decides no permission and draws nothing.
 */
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { CloseReason, MeetingLooked, MeetingState, PersonID, Requests, Seat, Source, Tile } from "../protocol.gen";
import { MAX_PARTICIPANTS } from "../protocol.gen";
import { Refused, type Fault } from "../net/refused";
import type { Socket } from "../net/socket";
import { Capture } from "../media/capture";
import { Connection } from "../media/connection";
import { Devices, troubleOf, type InputKind } from "../media/devices";
import { Levels } from "../media/levels";
import { PictureInPicture } from "../media/pip";
import { Playback } from "../media/playback";
import { sourceKey, voices } from "../media/slots";
import { Sounds } from "../media/sounds";
import { Statistics } from "../media/stats";
import { ViewReporter } from "../media/view";
import { WakeLock } from "../media/wakelock";
import { Notices } from "./notices";
import { Roster, type RosterChange } from "./roster";
import { EMPTY_STAGE, onStage, withMode, withoutPerson, withPin, withShares, withSpotlight, type ViewMode } from "./stage";
import { t } from "./texts";

/** Where the person stands with this meeting. */
export type Phase = "looking" | "prejoin" | "joining" | "waiting" | "seated" | "over";

/** Why it is over: by the person, by the server's word, or by a refusal. */
export type Ending = "left" | CloseReason | Fault;

/** Refusals that end the attempt; with any other, pre-join stays and says what happened. */
const FINAL: ReadonlySet<Fault> = new Set<Fault>([
  "meeting_full",
  "meeting_locked",
  "meeting_ended",
  "meeting_not_open",
  "entry_refused",
  "removed",
  "not_found",
  "forbidden",
]);

/** A socket that was away longer than this may have come back on another network. */
const LONG_BREAK = 2000;
/** Milliseconds between attempts to take a forgotten seat again. */
const REJOIN_PAUSE = 1000;
/** Picture slots are added in steps, so that a filling room makes few offers. */
const SLOT_STEP = 6;
const MOST_SLOTS = MAX_PARTICIPANTS + 6;

/** Names of people, for notices; the directory's function. */
export type Names = (person: PersonID) => string;

export class MeetingSession {
  readonly phase = signal<Phase>("looking");
  readonly looked = signal<MeetingLooked | undefined>(undefined);
  /** Why the last attempt failed although another may succeed. */
  readonly fault = signal<Refused | undefined>(undefined);
  readonly ending = signal<{ why: Ending; by?: PersonID } | undefined>(undefined);

  readonly roster: Roster;
  readonly devices = new Devices();
  readonly capture = new Capture(this.devices);
  readonly notices = new Notices();
  readonly sounds = new Sounds();
  readonly playback = new Playback();
  readonly pip = new PictureInPicture();
  readonly levels: Levels;
  readonly view: ViewReporter;
  readonly connection = signal<Connection | undefined>(undefined);
  readonly statistics = signal<Statistics | undefined>(undefined);

  /** What the person has switched on; whether it can be sent is another matter (capture). */
  readonly microphoneOn = signal(this.devices.choice.value.microphoneOn);
  readonly cameraOn = signal(this.devices.choice.value.cameraOn);
  /** Held for a moment with Space. */
  readonly talking = signal(false);
  /** How far the shared screen on the stage is enlarged; 1 fits it in. */
  readonly zoom = signal(1);

  readonly stage = signal(EMPTY_STAGE);
  /** When each person spoke last, on the page's clock; for the strip and the pages of the grid. */
  readonly spoke = new Map<PersonID, number>();
  /** The speaker to show: the dominant one, never oneself, and the last one while nobody speaks. */
  readonly shownSpeaker = signal<PersonID | undefined>(undefined);
  readonly onStage = computed(() => onStage(this.stage.value, this.shownSpeaker.value));

  readonly sendsMicrophone = computed(
    () => (this.microphoneOn.value || this.talking.value) && this.capture.microphone.track.value !== undefined,
  );
  readonly sendsCamera = computed(() => this.cameraOn.value && this.capture.camera.track.value !== undefined);
  readonly shares = computed(() => this.capture.screen.value !== undefined);

  private readonly wake = new WakeLock();
  private readonly endings: (() => void)[] = [];
  private enlarged: string | undefined;
  private told = { microphone: false, camera: false, screen: false };

  constructor(
    private readonly socket: Socket,
    readonly id: string,
    readonly me: PersonID,
    private readonly nameOf: Names,
  ) {
    this.roster = new Roster(me, (change) => this.rosterChanged(change));
    this.levels = new Levels(
      me,
      () => this.voices(),
      () => this.sendsMicrophone.peek(),
    );
    this.view = new ViewReporter((tiles) => this.reportView(tiles));
    this.endings.push(
      socket.on("meeting.admitted", ({ state }) => void this.admitted(state)),
      socket.on("meeting.closed", (closed) => {
        if (closed.meeting === this.id) this.end(closed.reason, closed.by);
      }),
      socket.on("meeting.muted", ({ source, by }) => this.muted(source, by)),
      socket.on("meeting.asked", ({ by, floor }) => this.asked(by, floor)),
      socket.on("meeting.changed", ({ meeting }) => {
        if (meeting.id === this.id && this.phase.value === "prejoin") void this.lookAgain();
      }),
      socket.on("media.slots", ({ slots }) => this.connection.value?.assign(slots ?? [])),
      socket.on("media.wanted", (wanted) => this.connection.value?.want(wanted)),
      socket.on("media.gone", () => this.connection.value?.replace()),
      socket.onFresh((welcome) => void this.startedAnew(welcome.meeting)),
      this.watchBreaks(),
      ...this.wire(),
    );
    void this.look();
  }

  // Verbs.

  /** Asks for the card, and prepares the connection behind the scenes. */
  async look(): Promise<void> {
    this.fault.value = undefined;
    try {
      const looked = await this.socket.request("meeting.look", { meeting: this.id });
      const connection = new Connection({
        audioSlots: looked.audio_slots,
        videoSlots: looked.video_slots,
        // The connection repeats what fails, with a newer offer: do not wait long with an old one.
        exchange: (offer) => this.socket.request("media.offer", offer, { patience: 8000 }),
      });
      batch(() => {
        this.looked.value = looked;
        this.connection.value = connection;
        if (looked.meeting.status === "ended" || looked.meeting.status === "cancelled") this.end("meeting_ended");
        else this.phase.value = "prejoin";
      });
      if (this.phase.value === "over") return;
      void connection.offer(); // made while the person looks at the preview
      const kinds: InputKind[] = [];
      if (this.microphoneOn.value) kinds.push("microphone");
      if (this.cameraOn.value) kinds.push("camera");
      await this.devices.refresh();
      if (kinds.length > 0) await this.capture.open(kinds);
    } catch (error) {
      const refused = Refused.from(error);
      if (FINAL.has(refused.code)) this.end(refused.code);
      else this.fault.value = refused;
    }
  }

  /** Somebody came or went while the person is still at the door. */
  private async lookAgain(): Promise<void> {
    try {
      const looked = await this.socket.request("meeting.look", { meeting: this.id });
      if (this.phase.value === "prejoin") this.looked.value = looked;
    } catch {
      // What was seen last stands; joining will say what has changed.
    }
  }

  async join(): Promise<void> {
    if (this.phase.value !== "prejoin") return;
    batch(() => {
      this.fault.value = undefined;
      this.phase.value = "joining";
    });
    this.devices.choose({ microphoneOn: this.microphoneOn.value, cameraOn: this.cameraOn.value });
    try {
      await this.takeSeat();
    } catch (error) {
      const refused = Refused.from(error);
      if (FINAL.has(refused.code)) return this.end(refused.code);
      batch(() => {
        this.fault.value = refused;
        this.phase.value = "prejoin";
      });
    }
  }

  /** Takes the seat again that the server has forgotten; only its word stops the attempts. */
  private async rejoin(): Promise<void> {
    while (!this.disposed && (this.phase.value === "seated" || this.phase.value === "waiting")) {
      try {
        await this.connection.value?.renew();
        return await this.takeSeat();
      } catch (error) {
        const { code, retryAfter } = Refused.from(error);
        if (FINAL.has(code)) return this.end(code);
        await new Promise((resolve) => setTimeout(resolve, retryAfter ?? REJOIN_PAUSE));
      }
    }
  }

  private async takeSeat(): Promise<void> {
    const connection = this.connection.value;
    if (!connection) return;
    this.told = this.local();
    const joined = await this.socket.request("meeting.join", {
      meeting: this.id,
      microphone: this.told.microphone,
      camera: this.told.camera,
      offer: await connection.offer(),
    });
    if (this.disposed || this.connection.value !== connection) return;
    if (joined.outcome === "waiting" || !joined.state) {
      this.phase.value = "waiting";
      return;
    }
    this.enter(joined.state);
    if (joined.answer) await connection.accept(joined.answer);
    else await connection.join();
  }

  /** Goes back from an ending to the beginning. */
  async again(): Promise<void> {
    batch(() => {
      this.ending.value = undefined;
      this.phase.value = "looking";
    });
    await this.look();
  }

  leave(): void {
    const there = this.phase.value === "seated" || this.phase.value === "waiting";
    this.end("left");
    if (there) this.ask("meeting.leave", {});
  }

  endForAll(): void {
    this.ask("meeting.end", {});
  }

  async toggleMicrophone(on = !this.microphoneOn.value): Promise<void> {
    this.microphoneOn.value = on;
    if (on) this.notices.settle("asked");
    if (on && !this.capture.microphone.track.value) await this.capture.open(["microphone"]);
  }

  async toggleCamera(on = !this.cameraOn.value): Promise<void> {
    this.cameraOn.value = on;
    if (on) await this.capture.open(["camera"]);
    else this.capture.shut("camera"); // its light must go out
  }

  async toggleScreen(): Promise<void> {
    if (this.shares.value) return this.capture.unshare();
    try {
      await this.capture.share(() => this.capture.unshare());
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble === "refused" || trouble === "dismissed") return; // the person closed the chooser
      this.notices.show("share", () => t("share_failed"), { tone: "alert" });
    }
  }

  toggleHand(): void {
    this.ask("meeting.hand", { raised: !this.roster.mine.value?.hand });
  }

  setMode(mode: ViewMode): void {
    this.stage.value = withMode(this.stage.value, mode);
  }

  unpin(): void {
    this.stage.value = { ...this.stage.value, pin: undefined };
  }

  /** Held to talk: only where the microphone was off. */
  talk(on: boolean): void {
    if (on && this.microphoneOn.value) return;
    this.talking.value = on;
    if (on && !this.capture.microphone.track.value) void this.capture.open(["microphone"]);
  }

  pin(person: PersonID, source: Source): void {
    this.stage.value = withPin(this.stage.value, sourceKey(person, source));
  }

  async changeDevice(kind: "microphone" | "camera" | "speaker", id: string): Promise<void> {
    this.devices.choose({ [kind]: id });
    if (kind !== "speaker") await this.capture.change(kind);
  }

  /** Sends a request whose refusal is told in a toast; for everything that chairs do. */
  ask<T extends Exclude<keyof Requests, "hello" | "ping">>(type: T, body: Requests[T]["body"]): void {
    this.socket.request(type, body).catch((error: unknown) => {
      const refused = Refused.from(error);
      // Leaving a meeting that is gone, or acting on one who has just left, is no news.
      if (refused.code === "not_seated" || refused.code === "not_found") return;
      this.notices.show("refused", () => t(refused.code === "forbidden" ? "not_allowed" : "not_done"), { tone: "alert" });
    });
  }

  dispose(): void {
    if (this.disposed) return;
    if (this.phase.value === "seated" || this.phase.value === "waiting") {
      this.socket.request("meeting.leave", {}).catch(() => undefined);
    }
    this.disposed = true;
    this.closeMedia();
    for (const end of this.endings.splice(0)) end();
    this.roster.close();
    this.view.close();
    this.levels.close();
    this.capture.close();
    this.devices.close();
    this.sounds.close();
    this.notices.close();
  }
  private disposed = false;

  // Coming in and going out.

  private async admitted(state: MeetingState): Promise<void> {
    if (this.phase.value !== "waiting" || state.meeting.id !== this.id) return;
    this.enter(state);
    void this.sounds.play("attention");
    await this.connection.value?.join();
  }

  private enter(state: MeetingState): void {
    const connection = this.connection.value!;
    batch(() => {
      this.roster.close();
      this.roster.load(state);
      this.roster.follow(this.socket, this.id);
      this.phase.value = "seated";
      this.statistics.value?.close();
      this.statistics.value = new Statistics(connection);
    });
    this.wake.hold();
    this.tell(); // a camera may have opened while the seat was being taken
    if (this.roster.seats.value.length > 1) void this.sounds.play("joined");
  }

  private end(why: Ending, by?: PersonID): void {
    batch(() => {
      this.ending.value = { why, ...(by ? { by } : {}) };
      this.phase.value = "over";
    });
    this.closeMedia();
    this.roster.close();
    this.capture.shut("microphone");
    this.capture.shut("camera");
  }

  private closeMedia(): void {
    this.capture.unshare();
    this.connection.value?.close();
    this.statistics.value?.close();
    batch(() => {
      this.connection.value = undefined;
      this.statistics.value = undefined;
      this.stage.value = EMPTY_STAGE;
      this.shownSpeaker.value = undefined;
    });
    this.playback.close();
    this.wake.release();
    void this.pip.close();
  }

  /** The server does not remember our session: it may still know our seat, or we take it again. */
  private async startedAnew(state: MeetingState | undefined): Promise<void> {
    const phase = this.phase.value;
    if (phase === "looking" && this.fault.value) return this.look();
    if (phase !== "seated" && phase !== "waiting") return;
    const connection = this.connection.value;
    if (!connection) return;
    if (state?.meeting.id === this.id) {
      this.told = { microphone: false, camera: false, screen: false };
      this.enter(state);
      connection.replace();
      return;
    }
    await this.rejoin();
  }

  /** A socket that comes back after a break: the network may be another. */
  private watchBreaks(): () => void {
    let lostAt: number | undefined;
    const stop = effect(() => {
      lostAt = this.socket.lostAt.value ?? lostAt;
    });
    const end = this.socket.onResumed(() => {
      if (lostAt !== undefined && Date.now() - lostAt > LONG_BREAK) this.connection.value?.networkChanged();
      lostAt = undefined;
    });
    return () => {
      stop();
      end();
    };
  }

  // What is sent.

  private wire(): (() => void)[] {
    const sends = (source: Source, track: () => MediaStreamTrack | undefined) =>
      effect(() => {
        const now = track();
        void this.connection.value?.send(source, now);
      });
    return [
      sends("microphone", () => (this.sendsMicrophone.value ? this.capture.microphone.track.value : undefined)),
      sends("camera", () => (this.sendsCamera.value ? this.capture.camera.track.value : undefined)),
      sends("screen", () => this.capture.screen.value),
      sends("screen_audio", () => this.capture.screenSound.value),
      effect(() => this.levels.listen(this.capture.microphone.track.value)),
      effect(() => this.playback.play(this.connection.value?.voiceTracks.value ?? [])),
      effect(() => this.playback.speaker(this.devices.choice.value.speaker ?? "")),
      effect(() => {
        this.sounds.quiet = this.devices.choice.value.quiet;
      }),
      effect(() => {
        this.local();
        untracked(() => this.tell());
      }),
      effect(() => this.followStage()),
      effect(() => this.followSpeaker()),
      effect(() => {
        const { state } = this.connection.value ?? {};
        // The media's trouble is often the socket's, too: ask it at once.
        if (state?.value === "interrupted") untracked(() => this.socket.probe());
        // A media session that is new to the server knows nothing of what is shown here.
        if (state?.value === "connected") untracked(() => this.view.again());
      }),
    ];
  }

  private local(): { microphone: boolean; camera: boolean; screen: boolean } {
    return { microphone: this.sendsMicrophone.value, camera: this.sendsCamera.value, screen: this.shares.value };
  }

  /** Tells the server what has changed of what is switched on. */
  private tell(): void {
    if (this.phase.value !== "seated") return;
    const now = this.local();
    const change: Partial<typeof now> = {};
    for (const source of ["microphone", "camera", "screen"] as const) if (now[source] !== this.told[source]) change[source] = now[source];
    this.told = now;
    if (Object.keys(change).length === 0) return;
    this.socket.request("media.state", change).catch((error: unknown) => {
      // A share that the chair does not allow ends here; the server forwards nothing of it.
      if (Refused.from(error).code === "forbidden" && change.screen) {
        this.capture.unshare();
        this.notices.show("share", () => t("share_not_allowed"), { tone: "alert" });
      }
    });
  }

  private muted(source: Source, by: PersonID): void {
    if (source === "microphone") {
      this.told = { ...this.told, microphone: false };
      batch(() => {
        this.microphoneOn.value = false;
        this.talking.value = false;
      });
    } else if (source === "camera") {
      this.told = { ...this.told, camera: false };
      void this.toggleCamera(false);
    } else {
      this.told = { ...this.told, screen: false };
      this.capture.unshare();
    }
    const what = source === "microphone" ? "muted_by" : source === "camera" ? "camera_off_by" : "screen_off_by";
    this.notices.show("muted", () => t(what, { name: this.nameOf(by) }), { tone: "alert" });
    this.notices.announce(t(what, { name: this.nameOf(by) }));
  }

  private asked(by: PersonID, floor: boolean): void {
    const words = () => t(floor ? "floor_given" : "asked_to_unmute", { name: this.nameOf(by) });
    const off = !this.microphoneOn.value;
    this.notices.show("asked", words, {
      tone: "alert",
      ...(off ? { action: { label: () => t("unmute_now"), run: () => void this.toggleMicrophone(true) } } : {}),
    });
    this.notices.announce(words());
    void this.sounds.play("attention");
  }

  // What is shown.

  private reportView(tiles: Tile[]): Promise<unknown> {
    if (this.phase.value !== "seated") return Promise.reject(new Error("not seated"));
    const connection = this.connection.value;
    if (connection && tiles.length > connection.slotCount.video) {
      void connection.grow(Math.min(MOST_SLOTS, Math.ceil(tiles.length / SLOT_STEP) * SLOT_STEP));
    }
    return this.socket.request("media.view", { tiles });
  }

  private followStage(): void {
    const sharing = this.roster.seats.value.filter((seat) => seat.screen && seat.person !== this.me).map((seat) => seat.person);
    const spotlight = this.roster.spotlight.value;
    untracked(() => {
      this.stage.value = withSpotlight(withShares(this.stage.value, sharing), spotlight);
    });
    const staged = this.onStage.value;
    if (staged !== this.enlarged) {
      this.enlarged = staged;
      this.zoom.value = 1;
    }
    this.view.emphasise(new Set(staged ? [staged] : []));
    const window = staged ?? (this.shownSpeaker.value ? sourceKey(this.shownSpeaker.value, "camera") : undefined);
    const received = window ? this.connection.value?.received.value.get(window) : undefined;
    this.pip.show(received?.track);
    const [person, source] = window ? split(window) : [];
    this.view.showOutside(
      this.pip.open.value && person && source ? { person, source, width: 480, height: 270, visible: true, pinned: true } : undefined,
    );
  }

  private followSpeaker(): void {
    const speaker = this.roster.speaker.value;
    const seats = this.roster.seats.value;
    const now = performance.now();
    for (const person of this.levels.speaking.value) this.spoke.set(person, now);
    if (speaker) this.spoke.set(speaker, now);
    untracked(() => {
      const here = (person: PersonID | undefined) => isSeated(seats, person) && person !== this.me;
      if (here(speaker)) this.shownSpeaker.value = speaker;
      else if (!here(this.shownSpeaker.value)) this.shownSpeaker.value = seats.find((seat) => seat.person !== this.me)?.person;
    });
  }

  private voices(): { person: PersonID; receiver: RTCRtpReceiver }[] {
    const connection = this.connection.peek();
    if (!connection) return [];
    const result: { person: PersonID; receiver: RTCRtpReceiver }[] = [];
    for (const [mid, person] of voices(connection.received.peek())) {
      const receiver = connection.receiver(mid);
      if (receiver) result.push({ person, receiver });
    }
    return result;
  }

  private rosterChanged(change: RosterChange): void {
    const name = this.nameOf(change.person);
    if (change.person === this.me) return;
    switch (change.kind) {
      case "joined":
        this.notices.announce(t("said_joined", { name }));
        void this.sounds.play("joined");
        break;
      case "left":
        this.notices.announce(t("said_left", { name }));
        this.stage.value = withoutPerson(this.stage.value, change.person);
        this.spoke.delete(change.person);
        void this.sounds.play("left");
        break;
      case "hand":
        this.notices.announce(t("said_hand", { name }));
        if (this.roster.chairing.value) {
          this.notices.show("hand", () => t("said_hand", { name: this.nameOf(change.person) }));
          void this.sounds.play("hand");
        }
        break;
      case "sharing":
        this.notices.announce(t("said_sharing", { name }));
        break;
      case "waiting":
        this.notices.show(`lobby ${change.person}`, () => t("said_waiting", { name: this.nameOf(change.person) }), {
          action: { label: () => t("admit"), run: () => this.ask("meeting.admit", { person: change.person }) },
        });
        this.notices.announce(t("said_waiting", { name }));
        void this.sounds.play("lobby");
        break;
      case "decided":
        this.notices.settle(`lobby ${change.person}`);
        break;
      case "interrupted":
      case "returned":
        break; // the tile says so; it is too frequent on bad links to be said aloud
    }
  }
}

function split(key: string): [PersonID, Source] {
  const cut = key.lastIndexOf("/");
  return [key.slice(0, cut), key.slice(cut + 1) as Source];
}

function isSeated(seats: readonly Seat[], person: PersonID | undefined): boolean {
  return person !== undefined && seats.some((seat) => seat.person === person);
}
