import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Refused } from "../net/refused";
import type { Socket } from "../net/socket";
import { signal } from "@preact/signals";
import type { Code, MeetingState, Seat } from "../protocol.gen";
import { MeetingSession } from "./session";

/** A signaling server of one meeting, as far as one client notices. */
class FakeServer {
  readonly asked: { type: string; body: unknown }[] = [];
  refuse: Partial<Record<string, Code>> = {};
  outcome: "seated" | "waiting" = "seated";
  /** Called while a join is under way. */
  duringJoin: () => void = () => undefined;
  private readonly listeners = new Map<string, Set<(body: never) => void>>();
  private fresh = new Set<(welcome: { meeting?: MeetingState }) => void>();

  readonly socket = {
    lostAt: signal<number | undefined>(undefined),
    status: signal("connected"),
    on: (event: string, listener: (body: never) => void) => {
      const set = this.listeners.get(event) ?? new Set();
      this.listeners.set(event, set.add(listener));
      return () => set.delete(listener);
    },
    onFresh: (listener: (welcome: { meeting?: MeetingState }) => void) => {
      this.fresh.add(listener);
      return () => this.fresh.delete(listener);
    },
    onResumed: () => () => undefined,
    probe: () => undefined,
    request: (type: string, body: unknown) => this.answer(type, body),
  } as unknown as Socket;

  emit(event: string, body: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) listener(body as never);
  }

  forget(meeting?: MeetingState): void {
    for (const listener of this.fresh) listener({ ...(meeting ? { meeting } : {}) });
  }

  bodies(type: string): unknown[] {
    return this.asked.filter((each) => each.type === type).map((each) => each.body);
  }

  private async answer(type: string, body: unknown): Promise<unknown> {
    this.asked.push({ type, body });
    await Promise.resolve();
    const code = this.refuse[type];
    if (code) throw new Refused({ code });
    switch (type) {
      case "meeting.look":
        return { meeting: state.meeting, seated: [], audio_slots: 2, video_slots: 2 };
      case "meeting.join":
        this.duringJoin();
        return this.outcome === "waiting" ? { outcome: "waiting" } : { outcome: "seated", state, answer: { sdp: "a" } };
      default:
        return { sdp: "a" };
    }
  }
}

const seat = (person: string): Seat => ({ person, role: "participant", joined_at: 1, connected: true, microphone: false, camera: false, screen: false });
const state: MeetingState = {
  meeting: {
    id: "m1",
    title: { ar: "اجتماع" },
    starts: 0,
    minutes: 60,
    status: "open",
    chair: "other",
    created_by: "other",
    people: ["me"],
    units: [],
    lobby: true,
    locked: false,
    share: "everyone",
    seated: 1,
    may_join: true,
    may_manage: false,
  },
  seats: [seat("other"), seat("me")],
};

class FakePeerConnection extends EventTarget {
  signalingState = "stable";
  connectionState = "connected";
  iceConnectionState = "connected";
  localDescription: { sdp: string } | null = null;
  addTransceiver(kind: string) {
    const sender = { getParameters: () => ({ encodings: [] }), setParameters: () => Promise.resolve(), replaceTrack: () => Promise.resolve() };
    return { mid: null, receiver: { track: { kind } }, sender };
  }
  setLocalDescription() {
    this.localDescription = { sdp: "o" };
    this.signalingState = "have-local-offer";
    return Promise.resolve();
  }
  setRemoteDescription() {
    this.signalingState = "stable";
    return Promise.resolve();
  }
  restartIce() {}
  getStats() {
    return Promise.resolve(new Map());
  }
  close() {
    this.signalingState = "closed";
  }
}

const silent = new (class {
  observe() {}
  unobserve() {}
  disconnect() {}
})();

let server: FakeServer;
let session: MeetingSession;

beforeEach(async () => {
  vi.useFakeTimers();
  localStorage.setItem("tarasul.devices", JSON.stringify({ quiet: true }));
  vi.stubGlobal("RTCPeerConnection", FakePeerConnection);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => ({ codecs: [] }) });
  for (const name of ["ResizeObserver", "IntersectionObserver"]) vi.stubGlobal(name, vi.fn(function () { return silent; }));
  vi.stubGlobal("MediaStream", class {});
  vi.stubGlobal("requestAnimationFrame", () => 0);
  server = new FakeServer();
  session = new MeetingSession(server.socket, "m1", "me", (person) => person);
  session.levels.listen = () => undefined; // no sound card here
  session.playback.play = () => undefined;
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  session.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function openMicrophone(): void {
  session.capture.microphone.track.value = { kind: "audio", stop: () => undefined, getSettings: () => ({}) } as unknown as MediaStreamTrack;
}

async function join(): Promise<void> {
  await session.join();
  await vi.advanceTimersByTimeAsync(0);
}

describe("joining", () => {
  test("takes the seat and the media in one request, with the offer made before", async () => {
    expect(session.phase.value).toBe("prejoin");
    openMicrophone();
    await join();
    expect(session.phase.value).toBe("seated");
    expect(server.bodies("meeting.join")).toMatchObject([{ meeting: "m1", microphone: true, camera: false, offer: { sdp: "o" } }]);
    expect(server.bodies("media.offer")).toHaveLength(0);
    expect(server.bodies("media.state")).toHaveLength(0);
  });

  test("tells of a microphone that opened while the seat was being taken", async () => {
    server.duringJoin = openMicrophone;
    await join();
    expect(server.bodies("media.state")).toEqual([{ microphone: true }]);
  });

  test.each(["meeting_full", "meeting_locked", "removed", "entry_refused"] as const)("that is refused with %s ends with its words", async (code) => {
    server.refuse["meeting.join"] = code;
    await join();
    expect(session.phase.value).toBe("over");
    expect(session.ending.value).toEqual({ why: code });
  });

  test("that fails for a moment stays in pre-join and says why", async () => {
    server.refuse["meeting.join"] = "unavailable";
    await join();
    expect(session.phase.value).toBe("prejoin");
    expect(session.fault.value?.code).toBe("unavailable");
    delete server.refuse["meeting.join"];
    await join();
    expect(session.phase.value).toBe("seated");
  });

  test("through the lobby sends the offer when admitted, and can end in a refusal", async () => {
    server.outcome = "waiting";
    await join();
    expect(session.phase.value).toBe("waiting");
    server.emit("meeting.admitted", { state });
    await vi.advanceTimersByTimeAsync(0);
    expect(session.phase.value).toBe("seated");
    expect(server.bodies("media.offer")).toHaveLength(1);
  });
});

describe("in the meeting", () => {
  beforeEach(async () => {
    openMicrophone();
    await join();
  });

  test("a chair's mute is obeyed, and not told back", () => {
    server.emit("meeting.muted", { source: "microphone", by: "other" });
    expect(session.sendsMicrophone.value).toBe(false);
    expect(server.bodies("media.state")).toHaveLength(0);
    expect(session.notices.toasts.value).toHaveLength(1);
  });

  test("a request to unmute is accepted with one press", () => {
    session.microphoneOn.value = false;
    server.emit("meeting.asked", { by: "other", floor: false });
    session.notices.toasts.value[0]!.action!.run();
    expect(session.sendsMicrophone.value).toBe(true);
    expect(server.bodies("media.state")).toEqual([{ microphone: false }, { microphone: true }]);
    expect(session.notices.toasts.value).toHaveLength(0);
  });

  test("Space talks only where the microphone is off", () => {
    session.talk(true);
    expect(session.talking.value).toBe(false);
    session.microphoneOn.value = false;
    session.talk(true);
    expect(session.sendsMicrophone.value).toBe(true);
    session.talk(false);
    expect(session.sendsMicrophone.value).toBe(false);
  });

  test("a server that forgot the session but not the seat gets the media anew", async () => {
    server.forget(state);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.phase.value).toBe("seated");
    expect(server.bodies("meeting.join")).toHaveLength(1);
    expect(server.bodies("media.offer")).toHaveLength(1);
    expect(server.bodies("media.state")).toEqual([{ microphone: true }]);
  });

  test("a server that forgot the seat, too, gives it again without anybody pressing anything", async () => {
    server.refuse["meeting.join"] = "unavailable";
    server.forget();
    await vi.advanceTimersByTimeAsync(500);
    expect(session.phase.value).toBe("seated");
    delete server.refuse["meeting.join"];
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.bodies("meeting.join")).toHaveLength(3);
    expect(session.phase.value).toBe("seated");
  });

  test("and its word ends the attempts", async () => {
    server.refuse["meeting.join"] = "removed";
    server.forget();
    await vi.advanceTimersByTimeAsync(0);
    expect(session.ending.value).toEqual({ why: "removed" });
  });

  test("a closed meeting takes everything down", () => {
    server.emit("meeting.closed", { meeting: "m1", reason: "removed", by: "other" });
    expect(session.phase.value).toBe("over");
    expect(session.ending.value).toEqual({ why: "removed", by: "other" });
    expect(session.capture.microphone.track.value).toBeUndefined();
    expect(session.connection.value).toBeUndefined();
    expect(server.bodies("meeting.leave")).toHaveLength(0);
  });

  test("leaving says so to the server", () => {
    session.leave();
    expect(server.bodies("meeting.leave")).toHaveLength(1);
    expect(session.ending.value).toEqual({ why: "left" });
  });
});
