import { describe, expect, test } from "vitest";
import { bitrate, judgePicture, judgeSending, judgeVoice, lossBetween, worst, type Inbound } from "./quality";

const picture = (at: number, more: Partial<Inbound> = {}): Inbound => ({ at, packets: at * 100, lost: 0, bytes: at * 100_000, frames: at * 30, dropped: 0, freezes: 0, frozenFor: 0, ...more });
const before = picture(10);

test("rates and losses are of the time between two readings", () => {
  expect(bitrate(before, picture(12))).toBe(800_000);
  expect(bitrate(before, before)).toBe(0);
  expect(lossBetween(before, picture(12, { lost: 50 }))).toBeCloseTo(0.2);
  expect(lossBetween(before, picture(12, { lost: -3 }))).toBe(0);
});

describe("a picture", () => {
  test.each([
    ["sound", {}, "good", "fine"],
    ["loses a little", { lost: 8 }, "fair", "loss"],
    ["loses much", { lost: 40 }, "poor", "loss"],
    ["froze once", { freezes: 1, frozenFor: 0.2 }, "fair", "freezes"],
    ["stood still", { freezes: 1, frozenFor: 1 }, "poor", "freezes"],
    ["is more than the computer can draw", { frames: 310, dropped: 50 }, "poor", "processor"],
    ["does not arrive", { packets: 1000 }, "none", "silent"],
  ])("%s", (_, more, grade, cause) => {
    expect(judgePicture(before, picture(12, more), true)).toEqual({ grade, cause });
  });

  test("that is paused or switched off is no fault", () => {
    expect(judgePicture(before, picture(12, { packets: 1000 }), false).grade).toBe("good");
  });
});

test("a silent voice is no fault, a torn one is", () => {
  const voice = (at: number, more: Partial<Inbound> = {}): Inbound => ({ at, packets: at * 50, lost: 0, bytes: 0, samples: at * 48_000, concealed: 0, ...more });
  expect(judgeVoice(voice(10), voice(12, { packets: 500 })).grade).toBe("good");
  expect(judgeVoice(voice(10), voice(12)).grade).toBe("good");
  expect(judgeVoice(voice(10), voice(12, { concealed: 8000 }))).toEqual({ grade: "fair", cause: "loss" });
  expect(judgeVoice(voice(10), voice(12, { lost: 30 }))).toEqual({ grade: "poor", cause: "loss" });
});

test.each([
  [{}, "good", "fine"],
  [{ fractionLost: 0.2 }, "poor", "upload"],
  [{ fractionLost: 0.03 }, "fair", "upload"],
  [{ roundTrip: 0.4 }, "fair", "delay"],
  [{ roundTrip: 0.9 }, "poor", "delay"],
  [{ limited: "cpu" as const }, "fair", "processor"],
  [{ limited: "bandwidth" as const }, "fair", "upload"],
])("sending with %j is %s by %s", (more, grade, cause) => {
  expect(judgeSending({ at: 0, packets: 1, bytes: 1, ...more })).toEqual({ grade, cause });
});

test("the worst verdict counts", () => {
  expect(worst({ grade: "fair", cause: "upload" }, { grade: "poor", cause: "download" })).toEqual({ grade: "poor", cause: "download" });
  expect(worst()).toEqual({ grade: "good", cause: "fine" });
});
