import { expect, test } from "vitest";
import { meter, MutedSpeech, rms, Talkers } from "./levels";
import { troubleOf } from "./devices";

test("a meter has sixty decibels in twenty steps", () => {
  expect(meter(0)).toBe(0);
  expect(meter(1)).toBe(1);
  expect(meter(0.001)).toBe(0);
  expect(meter(0.0316)).toBeCloseTo(0.5);
  expect(rms(new Float32Array([1, -1, 1, -1]))).toBe(1);
  expect(rms(new Float32Array())).toBe(0);
});

test("a cough into a muted microphone is no speech, a sentence is", () => {
  const hint = new MutedSpeech();
  let now = 0;
  for (let i = 0; i < 4; i++) expect(hint.observe((now += 100), 0.2)).toBe(false);
  for (let i = 0; i < 20; i++) expect(hint.observe((now += 100), 0)).toBe(false);
  let due = false;
  for (let i = 0; i < 12; i++) due = hint.observe((now += 100), 0.2);
  expect(due).toBe(true);
  hint.reset();
  expect(hint.observe(now + 100, 0.2)).toBe(false);
});

test("who speaks is on at once and off after a pause; nothing new is the same set", () => {
  const talkers = new Talkers();
  talkers.observe(0, "layla", 0.2);
  const first = talkers.at(0, new Set());
  expect([...first]).toEqual(["layla"]);
  talkers.observe(100, "layla", 0);
  expect(talkers.at(100, first)).toBe(first);
  expect(talkers.at(700, first).size).toBe(0);
});

test.each([
  ["NotAllowedError", "Permission denied", "refused"],
  ["NotAllowedError", "Permission dismissed", "dismissed"],
  ["NotFoundError", "", "missing"],
  ["NotReadableError", "", "busy"],
  ["AbortError", "", "busy"],
  ["OverconstrainedError", "", "unfit"],
  ["TypeError", "", "insecure"],
  ["Odd", "", "unknown"],
])("%s (%s) means %s", (name, message, trouble) => {
  expect(troubleOf(new DOMException(message, name))).toBe(trouble);
});
