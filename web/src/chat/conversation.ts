import { batch, signal } from "@preact/signals";
import { Refused } from "../net/refused";
import type { Socket } from "../net/socket";
import type { ChatMessage, ChatPage, PersonID, Thread } from "../protocol.gen";
import { uuid } from "../uuid";

/** A message of one's own that the server has not stored yet. */
export interface Outgoing {
  readonly key: string;
  readonly text: string;
  readonly at: number;
  /** Undefined while it is being sent. */
  readonly fault?: Refused;
}

type Asker = Pick<Socket, "request">;

export const pageSize = 50;
const kept = 200; // messages that stay when the person is back at the newest one

/** The key of a thread in maps. */
export const threadKey = (thread: Thread): string => (thread.meeting === undefined ? `person:${thread.person}` : `meeting:${thread.meeting}`);

/**
 * Conversation is what the page knows of one thread: a stretch of messages up to the
 * newest, older ones on demand, and what is on its way out. A message that is sent
 * appears at once and exactly once: its key stays the same however often it is sent.
 */
export class Conversation {
  /** Stored messages in order, without holes; the newest last. */
  readonly messages = signal<readonly ChatMessage[]>([]);
  readonly outbox = signal<readonly Outgoing[]>([]);
  readonly loaded = signal(false);
  readonly fault = signal<Refused | undefined>(undefined);
  /** There are older messages than the first of `messages`. */
  readonly more = signal(false);
  readonly loadingOlder = signal(false);
  readonly olderFault = signal<Refused | undefined>(undefined);
  /** One has read up to this order. */
  readonly read = signal(0);
  /** Person to person: the other has read up to this order. */
  readonly peerRead = signal(0);
  /** What stands in the composer; it survives going elsewhere and back. */
  readonly draft = signal("");

  readonly #socket: Asker;
  readonly #now: () => number;
  readonly #stored: (message: ChatMessage) => void;
  #loading: Promise<void> | undefined;
  #sending = false;
  #told = 0; // the read mark that the server knows or is being told

  constructor(
    readonly thread: Thread,
    socket: Asker,
    /** Who else wants to know what this page has sent: its own events come to others only. */
    { now = Date.now, stored = () => {} }: { now?: () => number; stored?: (message: ChatMessage) => void } = {},
  ) {
    this.#socket = socket;
    this.#now = now;
    this.#stored = stored;
  }

  /** Loads the newest messages, or what came since the last one that is known. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const known = this.messages.value.at(-1)?.order;
      if (!this.loaded.value || known === undefined) {
        const page = await this.#history({});
        batch(() => {
          this.#put(page.messages);
          this.more.value = page.more;
          this.#marks(page);
          this.loaded.value = true;
          this.fault.value = undefined;
        });
        return;
      }
      for (let after = known, more = true; more; ) {
        const page = await this.#history({ after });
        batch(() => {
          this.#put(page.messages);
          this.#marks(page);
        });
        after = page.messages.at(-1)?.order ?? after;
        more = page.more && page.messages.length > 0;
      }
      this.fault.value = undefined;
    } catch (error) {
      this.fault.value = Refused.from(error);
    }
  }

  /** Loads the page before the oldest message that is known. */
  async loadOlder(): Promise<void> {
    const before = this.messages.value[0]?.order;
    if (!this.more.value || this.loadingOlder.value || before === undefined) return;
    this.loadingOlder.value = true;
    this.olderFault.value = undefined;
    try {
      const page = await this.#history({ before });
      batch(() => {
        this.#put(page.messages);
        this.more.value = page.more;
      });
    } catch (error) {
      this.olderFault.value = Refused.from(error);
    } finally {
      this.loadingOlder.value = false;
    }
  }

  /** Lets go of what was loaded while looking far back; it can be loaded again. */
  trim(): void {
    if (this.messages.value.length <= kept) return;
    batch(() => {
      this.messages.value = this.messages.value.slice(-kept);
      this.more.value = true;
    });
  }

  /** Sends a text; it stands in the outbox until it is stored. */
  send(text: string): void {
    this.outbox.value = [...this.outbox.value, { key: uuid(), text, at: this.#now() }];
    void this.#flush();
  }

  /** Sends what was refused again, under the same key. */
  retry(key: string): void {
    this.outbox.value = this.outbox.value.map(({ fault, ...rest }) => (rest.key === key || fault === undefined ? rest : { ...rest, fault }));
    void this.#flush();
  }

  discard(key: string): void {
    this.outbox.value = this.outbox.value.filter((each) => each.key !== key);
  }

  // flush sends one after the other, so that the order is the writer's.
  async #flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        const { key, text } = next;
        try {
          const { message } = await this.#socket.request("chat.send", { thread: this.thread, key, text }, { patience: Infinity });
          this.receive(message);
          this.discard(key); // whatever the reply was, it is not waiting any more
          this.#stored(message);
        } catch (error) {
          const fault = Refused.from(error);
          this.outbox.value = this.outbox.value.map((each) => (each.key === key ? { ...each, fault } : each));
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  #next(): Outgoing | undefined {
    return this.outbox.value.find((each) => each.fault === undefined);
  }

  /** Takes in a stored message, from an event or a reply; the second time does nothing. */
  receive(message: ChatMessage): void {
    batch(() => {
      this.discard(message.key);
      // Before the first page is here there is nothing to append to: the page will have it.
      if (this.loaded.value) this.#put([message]);
    });
  }

  /** Takes in a read mark that moved. */
  receiveRead(mine: boolean, order: number): void {
    const mark = mine ? this.read : this.peerRead;
    mark.value = Math.max(mark.value, order);
  }

  /** The person has the newest message before their eyes. */
  markRead(): void {
    const order = this.messages.value.at(-1)?.order ?? 0;
    if (order <= this.read.value || order <= this.#told) return;
    this.#told = order;
    this.read.value = order;
    this.#socket.request("chat.read", { thread: this.thread, order }).catch(() => {
      this.#told = 0; // told again with the next message or the next look
    });
  }

  /** How the other sees one's own message: only stored, or read. */
  isRead(message: ChatMessage): boolean {
    return message.order <= this.peerRead.value;
  }

  /** True if the message is by somebody else and newer than the read mark. */
  isNew(message: ChatMessage, me: PersonID): boolean {
    return message.from !== me && message.order > this.read.value;
  }

  #history(at: { before?: number; after?: number }): Promise<ChatPage> {
    return this.#socket.request("chat.history", { thread: this.thread, limit: pageSize, ...at });
  }

  #marks(page: ChatPage): void {
    this.read.value = Math.max(this.read.value, page.read);
    this.peerRead.value = Math.max(this.peerRead.value, page.peer_read ?? 0);
    this.#told = Math.max(this.#told, page.read);
  }

  // put merges messages in; orders are unique and ascending within a thread.
  #put(incoming: readonly ChatMessage[]): void {
    if (incoming.length === 0) return;
    const current = this.messages.value;
    const known = new Set(current.map((message) => message.order));
    const fresh = incoming.filter((message) => !known.has(message.order));
    if (fresh.length === 0) return;
    const mine = new Set(fresh.map((message) => message.key));
    this.messages.value = [...current, ...fresh].sort((a, b) => a.order - b.order);
    if (this.outbox.value.some((each) => mine.has(each.key))) this.outbox.value = this.outbox.value.filter((each) => !mine.has(each.key));
  }
}
