import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MediaAnswer, MediaOffer } from "../protocol.gen";
import { Connection, type Timing } from "./connection";

/** As much of an RTCPeerConnection as the logic needs: it connects when the test says so. */
class FakePeerConnection extends EventTarget {
  static all: FakePeerConnection[] = [];
  static get last(): FakePeerConnection {
    return this.all.at(-1)!;
  }
  readonly transceivers: FakeTransceiver[] = [];
  signalingState: RTCSignalingState = "stable";
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  localDescription: { sdp: string } | null = null;
  iceRestarts = 0;
  offers = 0;

  constructor(readonly configuration: RTCConfiguration) {
    super();
    FakePeerConnection.all.push(this);
  }
  addTransceiver(kind: "audio" | "video", init: RTCRtpTransceiverInit): FakeTransceiver {
    const transceiver = new FakeTransceiver(kind, init);
    this.transceivers.push(transceiver);
    return transceiver;
  }
  restartIce(): void {
    this.iceRestarts++;
  }
  setLocalDescription(): Promise<void> {
    this.transceivers.forEach((t, i) => (t.mid = String(i)));
    this.localDescription = { sdp: `offer ${++this.offers}` };
    this.signalingState = "have-local-offer";
    return Promise.resolve();
  }
  setRemoteDescription(): Promise<void> {
    this.signalingState = "stable";
    return Promise.resolve();
  }
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.iceConnectionState = state === "connected" ? "connected" : (state as RTCIceConnectionState);
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  close(): void {
    this.signalingState = "closed";
    this.connectionState = "closed";
  }
}

class FakeTransceiver {
  mid: string | null = null;
  readonly receiver: { track: MediaStreamTrack };
  readonly sender: {
    parameters: { encodings: RTCRtpEncodingParameters[] };
    track: MediaStreamTrack | null;
    getParameters: () => RTCRtpSendParameters;
    setParameters: (p: RTCRtpSendParameters) => Promise<void>;
    replaceTrack: (t: MediaStreamTrack | null) => Promise<void>;
  };
  constructor(
    readonly kind: string,
    readonly init: RTCRtpTransceiverInit,
  ) {
    this.receiver = { track: { kind } as MediaStreamTrack };
    const parameters = { encodings: (init.sendEncodings ?? [{}]).map((e) => ({ ...e })) };
    this.sender = {
      parameters,
      track: null,
      getParameters: () => structuredClone(this.sender.parameters) as unknown as RTCRtpSendParameters,
      setParameters: (p) => {
        this.sender.parameters = p;
        return Promise.resolve();
      },
      replaceTrack: (t) => {
        this.sender.track = t;
        return Promise.resolve();
      },
    };
  }
}

const timing: Timing = { patience: 1000, restart: 4000, pause: 1000 };
const answer: MediaAnswer = { sdp: "answer", audio_slots: [], video_slots: [] };
const track = (kind: string, height = 720) => ({ kind, getSettings: () => ({ height }) }) as unknown as MediaStreamTrack;

let offers: MediaOffer[];
let exchange: (offer: MediaOffer) => Promise<MediaAnswer>;
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  FakePeerConnection.all = [];
  vi.stubGlobal("RTCPeerConnection", FakePeerConnection);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => ({ codecs: [] }) });
  offers = [];
  exchange = () => Promise.resolve(answer);
  connection = new Connection({
    audioSlots: 2,
    videoSlots: 3,
    timing,
    exchange: (offer) => {
      offers.push(offer);
      return exchange(offer);
    },
  });
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function join(): Promise<FakePeerConnection> {
  await connection.offer();
  await connection.accept(answer);
  FakePeerConnection.last.become("connected");
  return FakePeerConnection.last;
}

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

describe("the one offer", () => {
  test("has the sources in their order, then voices, then pictures", async () => {
    const offer = await connection.offer();
    expect(offer.sends).toEqual({ "0": "microphone", "1": "camera", "2": "screen", "3": "screen_audio" });
    const { transceivers, configuration } = FakePeerConnection.last;
    expect(transceivers.map((t) => `${t.kind} ${t.init.direction}`)).toEqual([
      "audio sendonly",
      "video sendonly",
      "video sendonly",
      "audio sendonly",
      ...Array<string>(2).fill("audio recvonly"),
      ...Array<string>(3).fill("video recvonly"),
    ]);
    expect(transceivers[1]!.init.sendEncodings?.map((e) => e.rid)).toEqual(["l", "m", "h"]);
    expect(configuration).toMatchObject({ iceServers: [], bundlePolicy: "max-bundle" });
    expect((await connection.offer()).sdp).toBe(offer.sdp);
  });

  test("is all that sending, muting and assigning need", async () => {
    const pc = await join();
    const microphone = track("audio");
    await connection.send("microphone", microphone);
    expect(pc.transceivers[0]!.sender.track).toBe(microphone);
    await connection.send("microphone", undefined);
    expect(pc.transceivers[0]!.sender.track).toBeNull();
    connection.assign([{ mid: "6", person: "layla", source: "camera" }]);
    expect(connection.received.value.get("layla/camera")?.track).toBe(pc.transceivers[6]!.receiver.track);
    expect(connection.voiceTracks.value).toHaveLength(2);
    expect(offers).toHaveLength(0);
    expect(pc.offers).toBe(1);
  });

  test("is repeated for more slots only, one at a time", async () => {
    const pc = await join();
    const first = connection.grow(5);
    const second = connection.grow(8);
    await Promise.all([first, second]);
    await connection.grow(4);
    expect(pc.transceivers).toHaveLength(4 + 2 + 8);
    expect(offers).toHaveLength(2);
    expect(connection.slotCount).toEqual({ audio: 2, video: 8 });
  });
});

test("encodings follow what is wanted and what the camera gives", async () => {
  const pc = await join();
  const active = () => pc.transceivers[1]!.sender.parameters.encodings.map((e) => e.active);
  await connection.send("camera", track("video", 720));
  expect(active()).toEqual([true, true, true]);
  connection.want({ source: "camera", rids: { l: true, m: false, h: false } });
  await settle();
  expect(active()).toEqual([true, false, false]);
  connection.want({ source: "camera", rids: { l: true, m: true, h: true } });
  await settle();
  await connection.send("camera", track("video", 360));
  expect(active()).toEqual([true, false, true]);
  expect(pc.transceivers[1]!.sender.parameters.encodings[0]!.scaleResolutionDownBy).toBe(2);
});

test("a screen keeps its lines whatever it costs", async () => {
  const pc = await join();
  await connection.send("screen", track("video", 1080));
  expect(pc.transceivers[2]!.sender.parameters).toMatchObject({ degradationPreference: "maintain-resolution" });
  expect(pc.transceivers[1]!.sender.parameters).not.toHaveProperty("degradationPreference");
});

describe("healing", () => {
  test("waits a second for a short break and restarts ICE after it", async () => {
    const pc = await join();
    pc.become("disconnected");
    expect(connection.state.value).toBe("interrupted");
    await settle(900);
    pc.become("connected");
    await settle(5000);
    expect(pc.iceRestarts).toBe(0);

    pc.become("disconnected");
    await settle(1000);
    expect(pc.iceRestarts).toBe(1);
    pc.become("connected");
    await settle();
    expect(connection.state.value).toBe("connected");
    expect(FakePeerConnection.all).toHaveLength(1);
  });

  test("restarts at once when the network changes, and when ICE has failed", async () => {
    const pc = await join();
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(pc.iceRestarts).toBe(1);
    pc.become("failed");
    await settle();
    expect(pc.iceRestarts).toBe(2);
  });

  test("builds a new connection when an answered restart does not help, and sends on", async () => {
    const camera = track("video");
    await connection.send("camera", camera);
    const old = await join();
    old.become("failed");
    await settle(4000);
    const fresh = FakePeerConnection.last;
    expect(fresh).not.toBe(old);
    expect(old.signalingState).toBe("closed");
    expect(fresh.transceivers[1]!.sender.track).toBe(camera);
    fresh.become("connected");
    await settle();
    expect(connection.state.value).toBe("connected");
    expect(connection.healing).toEqual({ restarts: 1, rebuilds: 1 });
  });

  test("goes on for as long as the server cannot be reached", async () => {
    const pc = await join();
    exchange = () => Promise.reject(Object.assign(new Error("offline"), { code: "offline" }));
    pc.become("failed");
    await settle(60_000);
    expect(pc.iceRestarts).toBeGreaterThan(30);
    exchange = () => Promise.resolve(answer);
    await settle(1000);
    pc.become("connected");
    await settle();
    expect(connection.state.value).toBe("connected");
    const tries = pc.iceRestarts;
    await settle(60_000);
    expect(pc.iceRestarts).toBe(tries);
  });

  test("builds anew when the server says that the session is gone or cannot go on", async () => {
    const old = await join();
    connection.replace();
    await settle();
    expect(FakePeerConnection.last).not.toBe(old);
    FakePeerConnection.last.become("connected");
    await settle();

    exchange = () => Promise.reject(Object.assign(new Error("no"), { code: "media_failed" }));
    const second = FakePeerConnection.last;
    second.become("failed");
    await settle(1000);
    exchange = () => Promise.resolve(answer);
    await settle(1000);
    expect(FakePeerConnection.last).not.toBe(second);
  });

  test("gives up nothing that was assigned: a mapping that comes early waits for its connection", async () => {
    await join();
    connection.assign([{ mid: "6", person: "layla", source: "camera" }]);
    connection.replace();
    await settle();
    const { transceivers } = FakePeerConnection.last;
    expect(connection.received.value.get("layla/camera")?.track).toBe(transceivers[6]!.receiver.track);
  });

  test("stops with the connection", async () => {
    const pc = await join();
    pc.become("failed");
    connection.close();
    await settle(60_000);
    expect(FakePeerConnection.all).toHaveLength(1);
    expect(connection.state.value).toBe("closed");
  });

  test("does nothing before joining", async () => {
    await connection.offer();
    connection.networkChanged();
    connection.replace();
    await settle(10_000);
    expect(offers).toHaveLength(0);
    expect(FakePeerConnection.all).toHaveLength(1);
  });
});

test("a connection that does not come about after joining is healed, too", async () => {
  await connection.offer();
  await connection.accept(answer);
  await settle(4000);
  expect(FakePeerConnection.last.iceRestarts).toBe(1);
});

test("after a renewal there is a new offer, and nothing is sent to the server by itself", async () => {
  await join();
  await connection.renew();
  expect((await connection.offer()).sdp).toBe("offer 1");
  expect(FakePeerConnection.all).toHaveLength(2);
  await settle(10_000);
  expect(offers).toHaveLength(0);
});
