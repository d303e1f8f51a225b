import { computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  CLOSE_REPLACED,
  CLOSE_UNAUTHENTICATED,
  CLOSE_VERSION,
  type Events,
  type Refusal,
  type Requests,
  SUBPROTOCOL,
  VERSION,
  type Welcome,
} from "../protocol.gen";
import { Refused } from "./refused";

/**
 * Where the connection is:
 * - idle: not asked for (nobody is signed in)
 * - connecting: the first time, nothing is lost yet
 * - connected
 * - reconnecting: lost, and coming back by itself; requests wait and are sent again
 * - offline: as reconnecting, and the browser says that there is no network
 * - signed-out: the sign-in has ended; connect() after a new one
 * - outdated: the server speaks another version; only loading the page anew helps
 */
export type Status = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "signed-out" | "outdated";

type RequestType = Exclude<keyof Requests, "hello" | "ping">;
type Reply<T extends keyof Requests> = Requests[T]["reply"];
type Listener<E extends keyof Events> = (body: Events[E]) => void;

/** The part of WebSocket that is used, so that a test can stand in for the network. */
export interface Wire {
  send(text: string): void;
  close(code?: number): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

export interface SocketOptions {
  url: string;
  /** Opens one websocket. */
  open?: (url: string, protocol: string) => Wire;
  /** A number in [0, 1), for the jitter. */
  random?: () => number;
  /** The page's language, told in hello. */
  language?: () => string;
}

export interface RequestOptions {
  /** Milliseconds until an unanswered request is given up with "offline"; Infinity never. */
  patience?: number;
}

interface Pending {
  readonly text: string;
  readonly type: RequestType;
  sent: boolean;
  settle(body: unknown, error?: Pick<Refused, "code"> | Refusal): void;
}

interface Envelope {
  type: string;
  id?: string;
  seq?: number;
  body?: unknown;
  error?: Refusal;
}

// Times in milliseconds. A seat is kept for a minute, so the first minute is hurried.
const idleBeforePing = 5_000;
const pongWithin = 3_000; // 8 s of silence in all mean that the socket is dead
const probeWithin = 1_500; // after a hint that the network has changed
const helloWithin = 8_000;
const hurry = 60_000;
const openWithin = { hurried: [2_000, 2_000, 4_000], later: 8_000 };
const backOff = { first: 100, factor: 2, hurried: 1_000, later: 10_000, refused: 5_000 };
const defaultPatience = 30_000;

// repeatable requests may be sent again to a server that has forgotten the session: they
// only read, or carry a key of their own.
const repeatable: ReadonlySet<RequestType> = new Set<RequestType>([
  "people.list",
  "meeting.list",
  "meeting.look",
  "chat.send",
  "chat.history",
  "chat.read",
  "chat.threads",
]);

/**
 * Socket is the signaling connection of one page. It heals by itself for as long as the
 * page is open: it resumes its session with the last event it saw, sends what was
 * unanswered again under the same id (the server answers a repeated id from memory), and
 * tells onFresh when the server had to start a new session, so that stores load anew.
 */
export class Socket {
  readonly status: ReadonlySignal<Status>;
  /** When the connection was lost, in ms since the epoch; undefined while there is one. */
  readonly lostAt = signal<number | undefined>(undefined);
  /** The last welcome; undefined before the first. */
  readonly welcome = signal<Welcome | undefined>(undefined);

  readonly #options: Required<SocketOptions>;
  readonly #state = signal<Exclude<Status, "offline">>("idle");
  readonly #network = signal(globalThis.navigator?.onLine ?? true);
  readonly #listeners = new Map<string, Set<(body: never) => void>>();
  readonly #fresh = new Set<(welcome: Welcome) => void>();
  readonly #resumed = new Set<(welcome: Welcome) => void>();
  readonly #pending = new Map<string, Pending>();
  #wire: Wire | undefined;
  #greeted = false; // the current wire has been welcomed
  #token: string | undefined;
  #seq = 0;
  #ids = 0;
  #attempt = 0; // failed attempts since the last welcome
  #serverOffset = 0;
  #timer: ReturnType<typeof setTimeout> | undefined; // the next attempt, or the end of patience with this one
  #pulse: ReturnType<typeof setTimeout> | undefined; // the next ping, or the end of patience with a pong

  constructor(options: SocketOptions) {
    this.#options = {
      open: (url, protocol) => new WebSocket(url, protocol),
      random: Math.random,
      language: () => "",
      ...options,
    };
    this.status = computed(() => (this.#state.value === "reconnecting" && !this.#network.value ? "offline" : this.#state.value));
    globalThis.addEventListener?.("online", this.#onNetwork);
    globalThis.addEventListener?.("offline", this.#onNetwork);
    globalThis.document?.addEventListener("visibilitychange", this.#onVisible);
  }

  /** Connects, or says at once that there is a reason to try again now. */
  connect(): void {
    if (this.#state.value === "connected" || this.#state.value === "connecting") return;
    if (this.#state.value === "reconnecting") return this.#tryNow();
    this.#state.value = "connecting";
    this.#attempt = 0;
    this.#try();
  }

  /** Ends the session for good: after a sign-out. What is unanswered is refused. */
  disconnect(): void {
    this.#stop("idle", "unauthenticated");
  }

  /** Removes the socket and its listeners; only tests need more than one in a page. */
  dispose(): void {
    this.disconnect();
    globalThis.removeEventListener?.("online", this.#onNetwork);
    globalThis.removeEventListener?.("offline", this.#onNetwork);
    globalThis.document?.removeEventListener("visibilitychange", this.#onVisible);
  }

  /** The server's clock, in ms since the epoch, as well as one round trip tells. */
  now(): number {
    return Date.now() + this.#serverOffset;
  }

  /**
   * Sends a request and gives its reply; rejects with Refused. It may be called at any
   * time: without a connection it waits for one.
   */
  request<T extends RequestType>(type: T, body: Requests[T]["body"], options: RequestOptions = {}): Promise<Reply<T>> {
    const state = this.#state.value;
    if (state === "signed-out" || state === "idle") return Promise.reject(new Refused({ code: "unauthenticated" }));
    if (state === "outdated") return Promise.reject(new Refused({ code: "version" }));
    const id = `r${++this.#ids}`;
    return new Promise((resolve, reject) => {
      const patience = options.patience ?? defaultPatience;
      const timer = Number.isFinite(patience)
        ? setTimeout(() => pending.settle(undefined, { code: "offline" }), patience)
        : undefined;
      const pending: Pending = {
        text: JSON.stringify({ type, id, body }),
        type,
        sent: false,
        settle: (reply, error) => {
          clearTimeout(timer);
          this.#pending.delete(id);
          if (error) reject(new Refused(error));
          else resolve(reply as Reply<T>);
        },
      };
      this.#pending.set(id, pending);
      if (this.#greeted) this.#send(pending);
    });
  }

  /** Hears an event until the returned function is called. */
  on<E extends keyof Events>(event: E, listener: Listener<E>): () => void {
    let set = this.#listeners.get(event);
    if (set === undefined) this.#listeners.set(event, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Hears of every session that starts anew: what was known before may be old. */
  onFresh(listener: (welcome: Welcome) => void): () => void {
    this.#fresh.add(listener);
    return () => this.#fresh.delete(listener);
  }

  /** Hears of every session that went on after a break: nothing was missed. */
  onResumed(listener: (welcome: Welcome) => void): () => void {
    this.#resumed.add(listener);
    return () => this.#resumed.delete(listener);
  }

  /** Asks at once whether the connection lives; for whoever sees that the network changed. */
  probe(): void {
    if (this.#state.value === "reconnecting") this.#tryNow();
    else if (this.#greeted) this.#ping(probeWithin);
  }

  readonly #onNetwork = () => {
    this.#network.value = navigator.onLine;
    this.probe();
  };

  readonly #onVisible = () => {
    if (document.visibilityState === "visible") this.probe();
  };

  // 1. An attempt opens a wire and says hello.

  #try(): void {
    clearTimeout(this.#timer);
    const wire = this.#options.open(this.#options.url, SUBPROTOCOL);
    this.#wire = wire;
    this.#greeted = false;
    const { hurried, later } = openWithin;
    const patience = this.#hurried() ? hurried[Math.min(this.#attempt, hurried.length - 1)]! : later;
    this.#timer = setTimeout(() => this.#drop(wire), patience);
    wire.onopen = () => {
      if (wire !== this.#wire) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#drop(wire), helloWithin);
      const resume = this.#token === undefined ? {} : { resume: { token: this.#token, seq: this.#seq } };
      const body = { version: VERSION, client: "web", language: this.#options.language(), ...resume };
      wire.send(JSON.stringify({ type: "hello", id: "hello", body }));
    };
    wire.onmessage = (event) => {
      if (wire === this.#wire) this.#receive(event.data as string);
    };
    wire.onclose = (event) => {
      if (wire === this.#wire) this.#closed(event.code);
    };
  }

  #tryNow(): void {
    // An attempt that is under way may have begun before the network came back.
    this.#abandon();
    this.#attempt = 0;
    this.#try();
  }

  // 2. The welcome: go on, or start anew.

  #welcomed(welcome: Welcome): void {
    clearTimeout(this.#timer);
    this.#greeted = true;
    this.#attempt = 0;
    this.#token = welcome.token;
    this.#serverOffset = welcome.server_time - Date.now();
    if (!welcome.resumed) this.#seq = welcome.seq;
    this.welcome.value = welcome;
    this.lostAt.value = undefined;
    this.#state.value = "connected";
    this.#await(idleBeforePing);
    for (const pending of [...this.#pending.values()]) {
      if (welcome.resumed || !pending.sent || repeatable.has(pending.type)) this.#send(pending);
      else pending.settle(undefined, { code: "unavailable" });
    }
    for (const listener of [...(welcome.resumed ? this.#resumed : this.#fresh)]) listener(welcome);
  }

  // 3. Messages.

  #receive(text: string): void {
    const envelope = JSON.parse(text) as Envelope;
    if (!this.#greeted) {
      if (envelope.id !== "hello") return;
      if (envelope.error) this.#refusedHello(envelope.error);
      else this.#welcomed(envelope.body as Welcome);
      return;
    }
    this.#await(idleBeforePing);
    if (envelope.type === "reply") {
      if (envelope.id !== undefined) this.#pending.get(envelope.id)?.settle(envelope.body, envelope.error);
      return;
    }
    if (envelope.seq !== undefined) {
      if (envelope.seq <= this.#seq) return; // seen before the break
      this.#seq = envelope.seq;
    }
    for (const listener of [...(this.#listeners.get(envelope.type) ?? [])]) listener(envelope.body as never);
    if (envelope.type === "session.signed_out") this.#stop("signed-out", "unauthenticated");
  }

  #send(pending: Pending): void {
    pending.sent = true;
    this.#wire?.send(pending.text);
  }

  // 4. Silence: ask, and without an answer give the wire up.

  #await(quiet: number): void {
    clearTimeout(this.#pulse);
    this.#pulse = setTimeout(() => this.#ping(pongWithin), quiet);
  }

  #ping(within: number): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    clearTimeout(this.#pulse);
    this.#pulse = setTimeout(() => this.#drop(wire), within);
    wire.send(JSON.stringify({ type: "ping", id: "ping", body: {} }));
  }

  // 5. The end of a wire, and when to try the next.

  #drop(wire: Wire): void {
    if (wire !== this.#wire) return;
    this.#abandon();
    this.#again(0);
  }

  // abandon forgets the wire without waiting for its close: a dead one takes minutes.
  #abandon(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#pulse);
    const wire = this.#wire;
    this.#wire = undefined;
    this.#greeted = false;
    wire?.close();
  }

  #closed(code: number): void {
    this.#abandon();
    if (code === CLOSE_UNAUTHENTICATED) return this.#stop("signed-out", "unauthenticated");
    if (code === CLOSE_VERSION) return this.#stop("outdated", "version");
    if (code === CLOSE_REPLACED) this.#token = undefined;
    this.#again(code === 1008 || code === 1013 || code === 1002 ? backOff.refused : 0);
  }

  #refusedHello(error: Refusal): void {
    this.#abandon();
    switch (error.code) {
      case "unauthenticated":
      case "password_change":
        return this.#stop("signed-out", error.code);
      case "version":
        return this.#stop("outdated", "version");
      default:
        this.#token = undefined;
        this.#again(error.retry_after || backOff.refused);
    }
  }

  #again(atLeast: number): void {
    if (this.#state.value === "connected") this.#state.value = "reconnecting";
    this.lostAt.value ??= Date.now();
    const most = this.#hurried() ? backOff.hurried : backOff.later;
    const wait = Math.min(most, backOff.first * backOff.factor ** this.#attempt);
    this.#attempt++;
    if (this.#attempt > 1 && this.#state.value === "connecting") this.#state.value = "reconnecting";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#try(), atLeast + wait * (0.5 + this.#options.random() / 2));
  }

  #hurried(): boolean {
    return this.lostAt.value === undefined || Date.now() - this.lostAt.value < hurry;
  }

  #stop(state: "idle" | "signed-out" | "outdated", code: Refusal["code"]): void {
    this.#abandon();
    this.#token = undefined;
    this.#seq = 0;
    this.lostAt.value = undefined;
    this.#state.value = state;
    for (const pending of [...this.#pending.values()]) pending.settle(undefined, { code });
  }
}
