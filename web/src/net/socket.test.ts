import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLOSE_REPLACED, CLOSE_UNAUTHENTICATED, CLOSE_VERSION, type Welcome } from "../protocol.gen";
import { Socket, type Wire } from "./socket";

// A server that the test plays itself: what the page sent, and what comes back.
class Line implements Wire {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: { type: string; id: string; body: Record<string, unknown> }[] = [];
  isClosed = false;

  send(text: string) {
    this.sent.push(JSON.parse(text) as Line["sent"][number]);
  }
  close() {
    this.isClosed = true;
  }
  open() {
    this.onopen?.(undefined as never);
  }
  tell(envelope: object) {
    this.onmessage?.({ data: JSON.stringify(envelope) } as MessageEvent);
  }
  end(code = 1006) {
    this.onclose?.({ code } as CloseEvent);
  }
  of(type: string) {
    return this.sent.filter((message) => message.type === type);
  }
  welcome(more: Partial<Welcome> = {}) {
    this.open();
    const body = { session: "s", token: "t1", seq: 0, resumed: false, units: [], demo: false, server_time: Date.now(), grace_seconds: 60, ...more };
    this.tell({ type: "reply", id: "hello", body });
  }
}

let lines: Line[];
let socket: Socket;
const last = () => lines.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  lines = [];
  socket = new Socket({
    url: "ws://test/api/signaling",
    open: () => {
      lines.push(new Line());
      return last();
    },
    random: () => 1,
    language: () => "ar",
  });
});

afterEach(() => {
  socket.dispose();
  vi.useRealTimers();
});

const looseNetwork = (isOnline: boolean) => {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(isOnline);
  dispatchEvent(new Event(isOnline ? "online" : "offline"));
};

describe("the first connection", () => {
  it("says hello with its version and language, and is connected when welcomed", () => {
    socket.connect();
    expect(socket.status.value).toBe("connecting");
    last().welcome();
    expect(last().sent[0]).toMatchObject({ type: "hello", body: { version: 1, client: "web", language: "ar" } });
    expect(last().sent[0]!.body).not.toHaveProperty("resume");
    expect(socket.status.value).toBe("connected");
  });

  it("keeps requests until it is welcomed, then sends them in order", async () => {
    socket.connect();
    const list = socket.request("people.list", {});
    const threads = socket.request("chat.threads", {});
    expect(last().sent).toHaveLength(0);
    last().welcome();
    expect(last().sent.map((message) => message.type)).toEqual(["hello", "people.list", "chat.threads"]);
    last().tell({ type: "reply", id: last().of("chat.threads")[0]!.id, body: { threads: [] } });
    last().tell({ type: "reply", id: last().of("people.list")[0]!.id, body: { people: [], units: [] } });
    expect(await list).toEqual({ people: [], units: [] });
    expect(await threads).toEqual({ threads: [] });
  });

  it("rejects with the server's code and field", async () => {
    socket.connect();
    last().welcome();
    const saved = socket.request("people.save", { login: "x", name: {}, title: {}, unit: "u", role: "officer", disabled: false });
    last().tell({ type: "reply", id: last().of("people.save")[0]!.id, error: { code: "name_taken", field: "login" } });
    await expect(saved).rejects.toMatchObject({ code: "name_taken", field: "login" });
  });

  it("refuses at once what is asked before anybody is signed in", async () => {
    await expect(socket.request("people.list", {})).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("gives up a request that nobody answers", async () => {
    socket.connect();
    const asked = socket.request("people.list", {}, { patience: 1_000 });
    const outcome = expect(asked).rejects.toMatchObject({ code: "offline" });
    await vi.advanceTimersByTimeAsync(1_000);
    await outcome;
  });
});

describe("a lost connection", () => {
  beforeEach(() => {
    socket.connect();
    last().welcome({ seq: 10 });
  });

  it("resumes with its token and the last event it saw", () => {
    last().tell({ type: "meeting.speaker", seq: 11, body: { person: "a" } });
    last().tell({ type: "meeting.speaker", seq: 12, body: { person: "b" } });
    last().end();
    expect(socket.status.value).toBe("reconnecting");
    expect(socket.lostAt.value).toBe(Date.now());
    vi.advanceTimersByTime(100);
    last().open();
    expect(last().sent[0]!.body).toMatchObject({ resume: { token: "t1", seq: 12 } });
  });

  it("sends what was unanswered again, once, under the same id", async () => {
    const sent = socket.request("chat.send", { thread: { person: "p" }, key: "k", text: "سلام" });
    const ended = socket.request("meeting.end", {});
    const before = last();
    before.end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: true, token: "t2" });
    expect(last().of("chat.send")).toEqual(before.of("chat.send"));
    expect(last().of("meeting.end")).toEqual(before.of("meeting.end"));
    last().tell({ type: "reply", id: before.of("chat.send")[0]!.id, body: { message: { id: "m" } } });
    last().tell({ type: "reply", id: before.of("meeting.end")[0]!.id, body: {} });
    expect(await sent).toEqual({ message: { id: "m" } });
    await ended;
    last().end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: true });
    expect(last().sent.map((message) => message.type)).toEqual(["hello"]);
  });

  it("does not hear an event twice", () => {
    const heard: string[] = [];
    socket.on("meeting.speaker", ({ person }) => heard.push(person));
    last().tell({ type: "meeting.speaker", seq: 11, body: { person: "a" } });
    last().end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: true, seq: 12 });
    last().tell({ type: "meeting.speaker", seq: 11, body: { person: "a" } });
    last().tell({ type: "meeting.speaker", seq: 12, body: { person: "b" } });
    expect(heard).toEqual(["a", "b"]);
  });

  it("tells of a resume and of a fresh session apart", () => {
    const told: string[] = [];
    socket.onFresh(() => told.push("fresh"));
    socket.onResumed(() => told.push("resumed"));
    last().end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: true });
    last().end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: false, seq: 0 });
    expect(told).toEqual(["resumed", "fresh"]);
  });

  it("repeats to a new session only what is safe to repeat", async () => {
    const listed = socket.request("people.list", {});
    const created = socket.request("meeting.save", { title: { ar: "ا" }, starts: 0, minutes: 30, people: [], units: [], lobby: true });
    const outcome = expect(created).rejects.toMatchObject({ code: "unavailable" });
    last().end();
    vi.advanceTimersByTime(100);
    const waited = socket.request("meeting.cancel", { meeting: "m" });
    last().welcome({ resumed: false, seq: 0, token: "t9" });
    expect(last().sent.map((message) => message.type)).toEqual(["hello", "people.list", "meeting.cancel"]);
    await outcome;
    last().tell({ type: "reply", id: last().of("people.list")[0]!.id, body: { people: [], units: [] } });
    last().tell({ type: "reply", id: last().of("meeting.cancel")[0]!.id, body: {} });
    await Promise.all([listed, waited]);
  });

  it("counts the events of a new session from its own beginning", () => {
    const heard = vi.fn();
    socket.on("meeting.speaker", heard);
    last().end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: false, seq: 0, token: "t2" });
    last().tell({ type: "meeting.speaker", seq: 1, body: { person: "a" } });
    expect(heard).toHaveBeenCalledOnce();
  });

  it("tries for ever: within a second at first, within ten later", () => {
    last().end();
    const begun = Date.now();
    const attempts: number[] = [];
    let known = lines.length;
    while (Date.now() - begun < 10 * 60_000) {
      vi.advanceTimersByTime(50);
      if (lines.length > known) {
        known = lines.length;
        attempts.push(Date.now());
        last().end();
      }
    }
    const gaps = attempts.map((at, index) => at - (attempts[index - 1] ?? begun));
    expect(Math.max(...gaps.slice(0, 20))).toBeLessThanOrEqual(1_050);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_050);
    expect(attempts.length).toBeGreaterThan(100);
  });

  it("does not wait for an attempt that hangs", () => {
    last().end();
    vi.advanceTimersByTime(100);
    const hanging = last();
    vi.advanceTimersByTime(2_300);
    expect(hanging.isClosed).toBe(true);
    expect(last()).not.toBe(hanging);
  });

  it("tries at once when the network is back", () => {
    looseNetwork(false);
    last().end();
    expect(socket.status.value).toBe("offline");
    vi.advanceTimersByTime(120_000);
    const before = lines.length;
    looseNetwork(true);
    expect(lines).toHaveLength(before + 1);
    last().welcome({ resumed: true });
    expect(socket.status.value).toBe("connected");
    expect(socket.lostAt.value).toBeUndefined();
  });

  it("tries at once when the page is looked at again", () => {
    last().end();
    vi.advanceTimersByTime(90_000);
    const before = lines.length;
    document.dispatchEvent(new Event("visibilitychange"));
    expect(lines).toHaveLength(before + 1);
  });

  it("ignores what an abandoned wire still says", () => {
    const old = last();
    const heard = vi.fn();
    socket.on("meeting.speaker", heard);
    old.end();
    vi.advanceTimersByTime(100);
    last().welcome({ resumed: true });
    old.tell({ type: "meeting.speaker", seq: 99, body: { person: "ghost" } });
    old.end(CLOSE_REPLACED);
    expect(heard).not.toHaveBeenCalled();
    expect(socket.status.value).toBe("connected");
  });
});

describe("silence", () => {
  beforeEach(() => {
    socket.connect();
    last().welcome();
  });

  it("asks after 5 s and gives the wire up after 8", () => {
    const wire = last();
    vi.advanceTimersByTime(4_999);
    expect(wire.of("ping")).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(wire.of("ping")).toHaveLength(1);
    vi.advanceTimersByTime(3_000);
    expect(wire.isClosed).toBe(true);
    expect(socket.status.value).toBe("reconnecting");
  });

  it("is broken by any message", () => {
    const wire = last();
    for (let second = 0; second < 60; second += 4) {
      vi.advanceTimersByTime(4_000);
      wire.tell({ type: "meeting.speaker", seq: second + 1, body: { person: "" } });
    }
    expect(wire.of("ping")).toHaveLength(0);
    vi.advanceTimersByTime(5_000);
    wire.tell({ type: "reply", id: "ping", body: { server_time: 1 } });
    vi.advanceTimersByTime(4_000);
    expect(wire.isClosed).toBe(false);
  });

  it("is not trusted after a hint that the network has changed", () => {
    const wire = last();
    socket.probe();
    expect(wire.of("ping")).toHaveLength(1);
    vi.advanceTimersByTime(1_500);
    expect(wire.isClosed).toBe(true);
  });
});

describe("the server's word", () => {
  beforeEach(() => {
    socket.connect();
  });

  it("ends the session when the sign-in has ended", async () => {
    last().welcome();
    const asked = socket.request("people.list", {});
    const outcome = expect(asked).rejects.toMatchObject({ code: "unauthenticated" });
    last().tell({ type: "session.signed_out", seq: 1, body: { reason: "everywhere" } });
    expect(socket.status.value).toBe("signed-out");
    await outcome;
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    socket.connect();
    last().open();
    expect(last().sent[0]!.body).not.toHaveProperty("resume");
  });

  it("is followed when it closes the socket", () => {
    last().end(CLOSE_UNAUTHENTICATED);
    expect(socket.status.value).toBe("signed-out");
  });

  it("asks for a new page when the versions differ", async () => {
    last().end(CLOSE_VERSION);
    expect(socket.status.value).toBe("outdated");
    await expect(socket.request("people.list", {})).rejects.toMatchObject({ code: "version" });
  });

  it("starts a new session where the old one was taken over", () => {
    last().welcome();
    last().end(CLOSE_REPLACED);
    vi.advanceTimersByTime(100);
    last().open();
    expect(last().sent[0]!.body).not.toHaveProperty("resume");
  });

  it("waits as long as it says", () => {
    last().open();
    last().tell({ type: "reply", id: "hello", error: { code: "unavailable", retry_after: 7_000 } });
    vi.advanceTimersByTime(6_900);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(lines).toHaveLength(2);
  });
});
