import { expect, test } from "vitest";
import { mapSlots, voices } from "./slots";

const track = (id: string) => ({ id }) as MediaStreamTrack;
const tracks = new Map(["4", "5", "6"].map((mid) => [mid, track(mid)]));

test("each source finds the track of its slot", () => {
  const map = mapSlots(
    [
      { mid: "4", person: "layla", source: "microphone" },
      { mid: "6", person: "layla", source: "camera" },
    ],
    tracks,
  );
  expect([...map].map(([key, { mid }]) => [key, mid])).toEqual([
    ["layla/microphone", "4"],
    ["layla/camera", "6"],
  ]);
  expect(map.get("layla/camera")?.track.id).toBe("6");
  expect(voices(map)).toEqual(new Map([["4", "layla"]]));
});

test("an unchanged picture keeps its identity, and so does the map", () => {
  const slots = [
    { mid: "4", person: "layla", source: "camera" as const },
    { mid: "5", person: "omar", source: "camera" as const },
  ];
  const first = mapSlots(slots, tracks);
  expect(mapSlots(slots, tracks, first)).toBe(first);
  const second = mapSlots([slots[0]!, { ...slots[1]!, mid: "6" }], tracks, first);
  expect(second).not.toBe(first);
  expect(second.get("layla/camera")).toBe(first.get("layla/camera"));
  expect(second.get("omar/camera")?.mid).toBe("6");
});

test("what is no longer listed is gone, and mids of an older connection are left out", () => {
  const first = mapSlots([{ mid: "4", person: "layla", source: "camera" }], tracks);
  expect(mapSlots([], tracks, first).size).toBe(0);
  expect(mapSlots([{ mid: "99", person: "layla", source: "camera" }], tracks).size).toBe(0);
});

test("a paused slot says why, also with a reason of a newer server", () => {
  const slot = { mid: "4", person: "layla", source: "camera" as const, paused: true };
  expect(mapSlots([{ ...slot, reason: "bandwidth" }], tracks).get("layla/camera")?.paused).toBe("bandwidth");
  expect(mapSlots([{ ...slot, reason: "eclipse" }], tracks).get("layla/camera")?.paused).toBe("unknown");
});
