/**
 * Where the tiles go. Pure arithmetic in CSS pixels; x counts from the inline start, so
 * that right-to-left needs no other rule.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export interface Grid extends Size {
  readonly columns: number;
  readonly rows: number;
}

export const GAP = 8;
/** Below this a face is not worth its place; there is another page then. */
export const SMALLEST: Size = { width: 100, height: 72 };
/** The largest grid that is one page. */
export const MOST = 30;

const WIDE = 16 / 9;
/** Tall windows may show less of the sides of a picture, so that faces stay large. */
const TALL = [WIDE, 4 / 3, 1] as const;

/** The largest equal tiles of one shape that fit; fewer rows if two ways are equal. */
export function bestGrid(count: number, box: Size, aspect = WIDE, gap = GAP): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const width = Math.floor(
      Math.min((box.width - gap * (columns - 1)) / columns, ((box.height - gap * (rows - 1)) / rows) * aspect),
    );
    if (width > best.width || (width === best.width && rows < best.rows)) {
      best = { columns, rows, width: Math.max(0, width), height: Math.max(0, Math.floor(width / aspect)) };
    }
  }
  return best;
}

/** The grid for a window: wide ones show whole pictures, tall ones may crop the sides. */
export function chooseGrid(count: number, box: Size, gap = GAP): Grid {
  if (box.width >= box.height) return bestGrid(count, box, WIDE, gap);
  return TALL.map((aspect) => bestGrid(count, box, aspect, gap)).reduce((a, b) =>
    b.width * b.height > a.width * a.height * 1.02 ? b : a,
  );
}

/** How many tiles one page of the grid holds. */
export function capacity(box: Size, gap = GAP): number {
  for (let count = MOST; count > 1; count--) {
    const grid = chooseGrid(count, box, gap);
    if (grid.width >= SMALLEST.width && grid.height >= SMALLEST.height) return count;
  }
  return 1;
}

/** Places a grid in its box, centred, the last row too. */
export function placeGrid(count: number, box: Size, gap = GAP): Rect[] {
  const grid = chooseGrid(count, box, gap);
  const top = (box.height - (grid.rows * (grid.height + gap) - gap)) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / grid.columns);
    const inRow = row === grid.rows - 1 ? count - row * grid.columns : grid.columns;
    const start = (box.width - (inRow * (grid.width + gap) - gap)) / 2;
    return {
      x: Math.round(start + (i % grid.columns) * (grid.width + gap)),
      y: Math.round(top + row * (grid.height + gap)),
      width: grid.width,
      height: grid.height,
    };
  });
}

export interface Staged {
  readonly stage: Rect;
  /** As many of the others as the strip holds. */
  readonly strip: readonly Rect[];
}

/** One large picture, and a strip of the others: beside it in a wide box, below it in a tall one. */
export function placeStage(others: number, box: Size, gap = GAP): Staged {
  if (others === 0) return { stage: { x: 0, y: 0, ...box }, strip: [] };
  if (box.width >= box.height * 1.1) {
    const width = Math.round(Math.min(220, Math.max(120, box.width * 0.17)));
    const height = Math.round(width / WIDE);
    const fits = Math.max(1, Math.floor((box.height + gap) / (height + gap)));
    const shown = Math.min(others, fits);
    const top = Math.max(0, (box.height - (shown * (height + gap) - gap)) / 2);
    return {
      stage: { x: 0, y: 0, width: box.width - width - gap, height: box.height },
      strip: Array.from({ length: shown }, (_, i) => ({
        x: box.width - width,
        y: Math.round(top + i * (height + gap)),
        width,
        height,
      })),
    };
  }
  const height = Math.round(Math.min(110, Math.max(68, box.height * 0.14)));
  const width = Math.round((height * 4) / 3);
  const fits = Math.max(1, Math.floor((box.width + gap) / (width + gap)));
  const shown = Math.min(others, fits);
  const start = Math.max(0, (box.width - (shown * (width + gap) - gap)) / 2);
  return {
    stage: { x: 0, y: 0, width: box.width, height: box.height - height - gap },
    strip: Array.from({ length: shown }, (_, i) => ({
      x: Math.round(start + i * (width + gap)),
      y: box.height - height,
      width,
      height,
    })),
  };
}

/**
 * Which of `all` are shown if only `room` fit: the order stays, and whoever speaks outside
 * takes, in place, the seat of the one who has been silent the longest. `before` is what
 * was shown last, so that nobody moves without need; `spoke` gives when each spoke last.
 */
export function keepPlaces<K>(
  all: readonly K[],
  room: number,
  before: readonly K[],
  spoke: (key: K) => number,
): K[] {
  if (all.length <= room) return [...all];
  const present = new Set(all);
  const shown: K[] = before.filter((key) => present.has(key)).slice(0, room);
  const inside = new Set(shown);
  for (const key of all) {
    if (shown.length >= room) break;
    if (!inside.has(key)) {
      shown.push(key);
      inside.add(key);
    }
  }
  const outside = all.filter((key) => !inside.has(key) && spoke(key) > 0).sort((a, b) => spoke(b) - spoke(a));
  for (const key of outside) {
    let quietest = 0;
    shown.forEach((other, i) => {
      if (spoke(other) < spoke(shown[quietest]!)) quietest = i;
    });
    if (spoke(shown[quietest]!) >= spoke(key)) break;
    shown[quietest] = key;
  }
  return shown;
}
