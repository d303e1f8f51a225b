import { describe, expect, test } from "vitest";
import { bestGrid, capacity, chooseGrid, GAP, keepPlaces, MOST, placeGrid, placeStage, SMALLEST, type Rect, type Size } from "./layout";

const laptop: Size = { width: 1280, height: 640 };
const phone: Size = { width: 390, height: 680 };

function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function expectPlaced(rects: readonly Rect[], box: Size): void {
  for (const [i, rect] of rects.entries()) {
    expect(rect.x).toBeGreaterThanOrEqual(0);
    expect(rect.y).toBeGreaterThanOrEqual(0);
    expect(rect.x + rect.width).toBeLessThanOrEqual(box.width + 1);
    expect(rect.y + rect.height).toBeLessThanOrEqual(box.height + 1);
    for (const other of rects.slice(i + 1)) expect(overlaps(rect, other)).toBe(false);
  }
}

describe("the grid", () => {
  test.each([
    [1, 1, 1],
    [2, 2, 1],
    [4, 2, 2],
    [9, 3, 3],
    [30, 6, 5],
  ])("of %i in a laptop's window has %i columns and %i rows", (count, columns, rows) => {
    expect(bestGrid(count, laptop)).toMatchObject({ columns, rows });
  });

  test("is the largest of all ways to lay it out", () => {
    for (let count = 1; count <= MOST; count++) {
      const best = bestGrid(count, laptop);
      for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const width = Math.min((laptop.width - GAP * (columns - 1)) / columns, (((laptop.height - GAP * (rows - 1)) / rows) * 16) / 9);
        expect(best.width).toBeGreaterThanOrEqual(Math.floor(width));
      }
    }
  });

  test("never overlaps or leaves its box, whatever the window", () => {
    for (const box of [laptop, phone, { width: 700, height: 400 }, { width: 300, height: 900 }, { width: 2560, height: 1300 }]) {
      for (let count = 1; count <= MOST; count++) expectPlaced(placeGrid(count, box), box);
    }
  });

  test("centres the last row", () => {
    const rects = placeGrid(5, laptop);
    const last = rects.slice(3);
    const middle = (last[0]!.x + last[1]!.x + last[1]!.width) / 2;
    expect(Math.abs(middle - laptop.width / 2)).toBeLessThanOrEqual(1);
  });

  test("crops the sides in a tall window only", () => {
    expect(chooseGrid(4, laptop).width / chooseGrid(4, laptop).height).toBeCloseTo(16 / 9, 1);
    expect(chooseGrid(2, phone).width / chooseGrid(2, phone).height).toBeLessThan(1.5);
  });

  test("holds thirty on one page of a laptop and pages on a phone", () => {
    expect(capacity(laptop)).toBe(30);
    expect(capacity(phone)).toBeLessThan(30);
    expect(chooseGrid(capacity(phone), phone).height).toBeGreaterThanOrEqual(SMALLEST.height);
    expect(capacity({ width: 60, height: 60 })).toBe(1);
  });
});

describe("the stage", () => {
  test("has the strip beside it in a wide window and below it in a tall one", () => {
    const wide = placeStage(12, laptop);
    expectPlaced([wide.stage, ...wide.strip], laptop);
    expect(wide.strip[0]!.x).toBeGreaterThan(wide.stage.width);
    const tall = placeStage(12, phone);
    expectPlaced([tall.stage, ...tall.strip], phone);
    expect(tall.strip[0]!.y).toBeGreaterThan(tall.stage.height);
    expect(tall.strip.length).toBeLessThan(12);
  });

  test("takes the whole window when there is nobody else", () => {
    expect(placeStage(0, laptop)).toEqual({ stage: { x: 0, y: 0, ...laptop }, strip: [] });
  });
});

describe("keeping places", () => {
  const quiet = () => 0;

  test("shows everybody in order while there is room", () => {
    expect(keepPlaces(["a", "b", "c"], 3, ["c"], quiet)).toEqual(["a", "b", "c"]);
  });

  test("puts who speaks outside into the place of the longest silent", () => {
    const spoke = (key: string) => ({ a: 50, b: 10, c: 30, e: 90 })[key] ?? 0;
    expect(keepPlaces(["a", "b", "c", "d", "e"], 3, ["a", "b", "c"], spoke)).toEqual(["a", "e", "c"]);
  });

  test("moves nobody whom it needs not move", () => {
    expect(keepPlaces(["a", "b", "c", "d", "e"], 3, ["a", "e", "c"], quiet)).toEqual(["a", "e", "c"]);
    expect(keepPlaces(["a", "c", "d", "e"], 3, ["a", "b", "c"], quiet)).toEqual(["a", "c", "d"]);
  });
});
