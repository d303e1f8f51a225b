import { beforeEach, describe, expect, it, vi } from "vitest";
import { Refused } from "../net/refused";
import type { ChatMessage, Requests } from "../protocol.gen";
import { Conversation, pageSize } from "./conversation";

const message = (order: number, more: Partial<ChatMessage> = {}): ChatMessage => ({
  id: `m${order}`,
  order,
  thread: { person: "p" },
  from: "p",
  key: `k${order}`,
  text: `text ${order}`,
  at: order * 1000,
  ...more,
});
const messages = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

// A server of one thread that stores like the real one: the same key gives the same message.
class Server {
  stored: ChatMessage[] = [];
  read = 0;
  refuse: Refused | undefined;
  replies: (() => void)[] = [];
  held = false;
  readonly asked: string[] = [];

  request = async <T extends keyof Requests>(type: T, body: Requests[T]["body"]): Promise<Requests[T]["reply"]> => {
    this.asked.push(type);
    if (this.refuse) throw this.refuse;
    const reply = this.answer(type, body as never);
    if (this.held) await new Promise<void>((resolve) => this.replies.push(resolve));
    return reply as Requests[T]["reply"];
  };

  private answer(type: string, body: { before?: number; after?: number; limit: number; key: string; text: string; order: number }) {
    switch (type) {
      case "chat.history": {
        const { before = Infinity, after, limit } = body;
        const found = this.stored.filter(({ order }) => (after === undefined ? order < before : order > after));
        const page = after === undefined ? found.slice(-limit) : found.slice(0, limit);
        return { messages: page, more: found.length > page.length, read: this.read, peer_read: 3 };
      }
      case "chat.send": {
        let found = this.stored.find(({ key }) => key === body.key);
        if (!found) this.stored.push((found = message(this.stored.length + 1, { from: "me", key: body.key, text: body.text })));
        return { message: found };
      }
      case "chat.read":
        this.read = body.order;
        return {};
    }
    throw new Error(type);
  }
}

let server: Server;
let talk: Conversation;
let stored: string[];
const orders = () => talk.messages.value.map(({ order }) => order);
const settled = () => vi.waitFor(() => expect(talk.outbox.value).toEqual([]));

beforeEach(() => {
  server = new Server();
  stored = [];
  talk = new Conversation({ person: "p" }, server, { now: () => 5, stored: (each) => stored.push(each.text) });
});

describe("loading", () => {
  it("gives the newest page, then older ones without holes or repeats", async () => {
    server.stored = messages(1, 120);
    await talk.load();
    expect(orders()).toEqual(messages(71, 120).map(({ order }) => order));
    expect(talk.more.value).toBe(true);
    await Promise.all([talk.loadOlder(), talk.loadOlder()]);
    expect(orders()[0]).toBe(21);
    await talk.loadOlder();
    expect(orders()).toEqual(messages(1, 120).map(({ order }) => order));
    expect(talk.more.value).toBe(false);
  });

  it("catches up after a break, however much was missed", async () => {
    server.stored = messages(1, 10);
    await talk.load();
    server.stored = messages(1, 10 + 2 * pageSize + 5);
    await talk.load();
    expect(orders()).toEqual(server.stored.map(({ order }) => order));
  });

  it("says why it failed, and succeeds when asked again", async () => {
    server.refuse = new Refused({ code: "not_found" });
    await talk.load();
    expect(talk.fault.value?.code).toBe("not_found");
    server.refuse = undefined;
    await talk.load();
    expect(talk.fault.value).toBeUndefined();
    expect(talk.loaded.value).toBe(true);
  });

  it("lets go of what lies far back, and can load it again", async () => {
    server.stored = messages(1, 300);
    await talk.load();
    for (let page = 0; page < 5; page++) await talk.loadOlder();
    expect(orders()).toHaveLength(300);
    talk.trim();
    expect(orders()[0]).toBe(101);
    await talk.loadOlder();
    expect(orders()[0]).toBe(51);
  });
});

describe("sending", () => {
  it("shows the text at once, and once when it is stored, whichever of event and reply is first", async () => {
    await talk.load();
    server.held = true;
    talk.send("سلام");
    expect(talk.outbox.value).toMatchObject([{ text: "سلام", at: 5 }]);
    await vi.waitFor(() => expect(server.replies).toHaveLength(1));
    talk.receive(server.stored[0]!);
    expect(talk.outbox.value).toEqual([]);
    expect(orders()).toEqual([1]);
    server.replies[0]!();
    await Promise.resolve();
    talk.receive(server.stored[0]!);
    expect(orders()).toEqual([1]);
  });

  it("keeps the writer's order", async () => {
    await talk.load();
    for (const text of ["a", "b", "c"]) talk.send(text);
    await settled();
    expect(server.stored.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(stored).toEqual(["a", "b", "c"]);
  });

  it("keeps what was refused until it is sent again under the same key or discarded", async () => {
    await talk.load();
    server.refuse = new Refused({ code: "too_large" });
    talk.send("x");
    await vi.waitFor(() => expect(talk.outbox.value[0]?.fault?.code).toBe("too_large"));
    const { key } = talk.outbox.value[0]!;
    server.refuse = undefined;
    talk.retry(key);
    await settled();
    expect(server.stored).toMatchObject([{ key, text: "x" }]);

    server.refuse = new Refused({ code: "forbidden" });
    talk.send("y");
    await vi.waitFor(() => expect(talk.outbox.value[0]?.fault).toBeDefined());
    talk.discard(talk.outbox.value[0]!.key);
    expect(talk.outbox.value).toEqual([]);
    expect(server.stored).toHaveLength(1);
  });

  it("goes on with the next after a refusal", async () => {
    await talk.load();
    server.refuse = new Refused({ code: "too_large" });
    talk.send("long");
    await vi.waitFor(() => expect(talk.outbox.value[0]?.fault).toBeDefined());
    server.refuse = undefined;
    talk.send("short");
    await vi.waitFor(() => expect(server.stored.map(({ text }) => text)).toEqual(["short"]));
    expect(talk.outbox.value.map(({ text }) => text)).toEqual(["long"]);
  });
});

describe("read marks", () => {
  it("tells the server once how far one has read", async () => {
    server.stored = messages(1, 3);
    await talk.load();
    expect(talk.isNew(talk.messages.value[2]!, "me")).toBe(true);
    talk.markRead();
    talk.markRead();
    expect(server.asked.filter((type) => type === "chat.read")).toHaveLength(1);
    expect(server.read).toBe(3);
    expect(talk.isNew(talk.messages.value[2]!, "me")).toBe(false);
  });

  it("never moves back", async () => {
    server.stored = messages(1, 9);
    await talk.load();
    talk.receiveRead(true, 7);
    talk.receiveRead(true, 2);
    expect(talk.read.value).toBe(7);
    talk.receiveRead(false, 5);
    expect(talk.isRead(message(5))).toBe(true);
    expect(talk.isRead(message(6))).toBe(false);
  });
});
