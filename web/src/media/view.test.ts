import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Tile } from "../protocol.gen";
import { planView, sameView, ViewReporter, type Shown } from "./view";

const tile = (person: string, width: number, height: number, more: Partial<Shown> = {}): Shown => ({ person, source: "camera", width, height, visible: true, pinned: false, ...more });

test("a plan is in device pixels, rounded up, pinned first, then the larger", () => {
  const plan = planView([tile("a", 200, 112), tile("b", 400, 225), tile("c", 100, 56, { pinned: true })], 2);
  expect(plan).toEqual([
    { person: "c", source: "camera", width: 208, height: 112, pinned: true },
    { person: "b", source: "camera", width: 800, height: 464 },
    { person: "a", source: "camera", width: 400, height: 224 },
  ]);
});

test("what is not seen is not asked for", () => {
  expect(planView([tile("a", 200, 112, { visible: false }), tile("b", 0, 0)], 1)).toEqual([]);
});

test("plans are the same if they ask for the same", () => {
  const plan = planView([tile("a", 200, 112), tile("b", 200, 112)], 1);
  expect(sameView(plan, planView([tile("a", 195, 110), tile("b", 200, 112)], 1))).toBe(true);
  expect(sameView(plan, planView([tile("a", 200, 112)], 1))).toBe(false);
  expect(sameView(plan, planView([tile("a", 200, 112, { pinned: true }), tile("b", 200, 112)], 1))).toBe(false);
});

// The two observers, driven by the test.
class FakeObserver {
  static all: FakeObserver[] = [];
  constructor(readonly notify: (entries: unknown[]) => void) {
    FakeObserver.all.push(this);
  }
  observe() {}
  unobserve() {}
  disconnect() {}
}

let hidden = false;

beforeEach(() => {
  vi.useFakeTimers();
  FakeObserver.all = [];
  vi.stubGlobal("ResizeObserver", FakeObserver);
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  hidden = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function show(element: Element, width: number, height: number): void {
  const [sizes, crossings] = FakeObserver.all;
  sizes!.notify([{ target: element, contentRect: { width, height } }]);
  crossings!.notify([{ target: element, isIntersecting: true }]);
}

test("what many tiles say within a tenth of a second is one report, and the same is not told twice", async () => {
  const reports: Tile[][] = [];
  const reporter = new ViewReporter((tiles) => Promise.resolve(reports.push(tiles)));
  const [a, b] = [document.createElement("div"), document.createElement("div")];
  reporter.watch(a, "a", "camera");
  const forget = reporter.watch(b, "b", "camera");
  show(a, 320, 180);
  show(b, 320, 180);
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.map((tiles) => tiles.map((t) => t.person))).toEqual([["a", "b"]]);

  show(a, 318, 180); // the same after rounding
  await vi.advanceTimersByTimeAsync(200);
  expect(reports).toHaveLength(1);

  forget();
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)!.map((t) => t.person)).toEqual(["a"]);
  reporter.close();
});

test("a hidden or covered page asks for nothing but the picture outside it", async () => {
  const reports: Tile[][] = [];
  const reporter = new ViewReporter((tiles) => Promise.resolve(reports.push(tiles)));
  const a = document.createElement("div");
  reporter.watch(a, "a", "camera");
  show(a, 320, 180);
  await vi.advanceTimersByTimeAsync(100);
  hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)).toEqual([]);
  reporter.showOutside({ person: "b", source: "camera", width: 480, height: 270, visible: true, pinned: true });
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)!.map((t) => t.person)).toEqual(["b"]);
  reporter.showOutside(undefined);
  hidden = false;
  reporter.cover(true);
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)).toEqual([]);
  reporter.cover(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)!.map((t) => t.person)).toEqual(["a"]);
  reporter.close();
});

test("a report that failed is sent again with the next sign", async () => {
  let fail = true;
  const reports: Tile[][] = [];
  const reporter = new ViewReporter((tiles) => {
    if (fail) return Promise.reject(new Error("no socket"));
    reports.push(tiles);
    return Promise.resolve();
  });
  const a = document.createElement("div");
  reporter.watch(a, "a", "camera");
  show(a, 320, 180);
  await vi.advanceTimersByTimeAsync(100);
  fail = false;
  show(a, 320, 180);
  await vi.advanceTimersByTimeAsync(100);
  expect(reports).toHaveLength(1);
  reporter.again();
  await vi.advanceTimersByTimeAsync(100);
  expect(reports).toHaveLength(2);
  reporter.close();
});

test("the stage is pinned, also for a tile that comes later", async () => {
  const reports: Tile[][] = [];
  const reporter = new ViewReporter((tiles) => Promise.resolve(reports.push(tiles)));
  reporter.emphasise(new Set(["b/camera"]));
  const [a, b] = [document.createElement("div"), document.createElement("div")];
  reporter.watch(a, "a", "camera");
  reporter.watch(b, "b", "camera");
  show(a, 320, 180);
  show(b, 160, 90);
  await vi.advanceTimersByTimeAsync(100);
  expect(reports.at(-1)!.map((t) => [t.person, t.pinned])).toEqual([
    ["b", true],
    ["a", undefined],
  ]);
  reporter.close();
});
