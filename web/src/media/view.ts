/**
 * What the page shows, told to the server: which pictures are visible and how large, in
 * device pixels, the important ones first. A tile that nobody sees costs nothing.
 *
 * Tiles are watched (ResizeObserver, IntersectionObserver, page visibility); what they
 * say is gathered for 100 ms, and only a changed picture is sent.
 */
import type { PersonID, Source, Tile } from "../protocol.gen";
import { sourceKey, type SourceKey } from "./slots";

/** One tile as it stands on the page; sizes in CSS pixels. */
export interface Shown {
  readonly person: PersonID;
  readonly source: Source;
  readonly width: number;
  readonly height: number;
  readonly visible: boolean;
  /** Pinned, or on the stage. */
  readonly pinned: boolean;
}

/** Sizes are rounded up to a step, so that a dragged window does not send a storm. */
const STEP = 16;

/**
 * The tiles to ask for: visible ones only, pinned first, then the larger; equal ones keep
 * their order. `ratio` is device pixels per CSS pixel.
 */
export function planView(shown: readonly Shown[], ratio: number): Tile[] {
  const size = (css: number) => Math.ceil((css * ratio) / STEP) * STEP;
  return shown
    .filter((tile) => tile.visible && tile.width >= 1 && tile.height >= 1)
    .map((tile) => ({
      person: tile.person,
      source: tile.source,
      width: size(tile.width),
      height: size(tile.height),
      ...(tile.pinned ? { pinned: true } : {}),
    }))
    .sort((a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false) || b.width * b.height - a.width * a.height);
}

/** Whether two plans ask for the same. */
export function sameView(a: readonly Tile[], b: readonly Tile[]): boolean {
  return (
    a.length === b.length &&
    a.every((tile, i) => {
      const other = b[i]!;
      return (
        tile.person === other.person &&
        tile.source === other.source &&
        tile.width === other.width &&
        tile.height === other.height &&
        (tile.pinned ?? false) === (other.pinned ?? false)
      );
    })
  );
}

interface Watched {
  readonly person: PersonID;
  readonly source: Source;
  width: number;
  height: number;
  visible: boolean;
}

/** Watches tiles and reports. One per meeting; `close` ends it. */
export class ViewReporter {
  private readonly tiles = new Map<Element, Watched>();
  private readonly sizes: ResizeObserver;
  private readonly crossings: IntersectionObserver;
  private emphasised: ReadonlySet<SourceKey> = new Set();
  private last: readonly Tile[] | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** A picture that is shown outside the page (picture-in-picture). */
  private outside: Shown | undefined;
  /** Something lies over all tiles. */
  private isCovered = false;

  /** `report` may fail: the plan is then sent again with the next change or `again`. */
  constructor(
    private readonly report: (tiles: Tile[]) => Promise<unknown>,
    private readonly delay = 100,
  ) {
    this.sizes = new ResizeObserver((entries) => {
      for (const entry of entries) {
        const tile = this.tiles.get(entry.target);
        if (!tile) continue;
        tile.width = entry.contentRect.width;
        tile.height = entry.contentRect.height;
      }
      this.soon();
    });
    this.crossings = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const tile = this.tiles.get(entry.target);
        if (tile) tile.visible = entry.isIntersecting;
      }
      this.soon();
    });
    document.addEventListener("visibilitychange", this.soon);
  }

  /** Starts to watch a tile; the result ends it. */
  watch(element: Element, person: PersonID, source: Source): () => void {
    this.tiles.set(element, { person, source, width: 0, height: 0, visible: false });
    this.sizes.observe(element);
    this.crossings.observe(element);
    return () => {
      this.tiles.delete(element);
      this.sizes.unobserve(element);
      this.crossings.unobserve(element);
      this.soon();
    };
  }

  /** Says which tiles matter most. */
  emphasise(keys: ReadonlySet<SourceKey>): void {
    this.emphasised = keys;
    this.soon();
  }

  /** Says that something lies over all tiles, which no observer notices. */
  cover(on: boolean): void {
    this.isCovered = on;
    this.soon();
  }

  /** Names the picture that is shown outside the page, if any. */
  showOutside(shown: Shown | undefined): void {
    this.outside = shown;
    this.soon();
  }

  /** Sends the plan although it did not change: the server may have forgotten it. */
  readonly again = (): void => {
    this.last = undefined;
    this.soon();
  };

  close(): void {
    clearTimeout(this.timer);
    this.sizes.disconnect();
    this.crossings.disconnect();
    document.removeEventListener("visibilitychange", this.soon);
    this.tiles.clear();
  }

  /** What is shown now. */
  plan(): Tile[] {
    const shown: Shown[] = [];
    if (!document.hidden && !this.isCovered) {
      for (const tile of this.tiles.values()) {
        shown.push({ ...tile, pinned: this.emphasised.has(sourceKey(tile.person, tile.source)) });
      }
    }
    const outside = this.outside;
    if (outside && !shown.some((t) => t.visible && t.person === outside.person && t.source === outside.source)) {
      shown.push(outside);
    }
    return planView(shown, window.devicePixelRatio || 1);
  }

  private readonly soon = (): void => {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const tiles = this.plan();
      if (this.last && sameView(this.last, tiles)) return;
      this.last = tiles;
      this.report(tiles).catch(() => {
        if (this.last === tiles) this.last = undefined;
      });
    }, this.delay);
  };
}
