import { useComputed, useSignal } from "@preact/signals";
import { ChevronLeft, ChevronRight } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import type { PersonID, Source } from "../protocol.gen";
import { sourceKey, type SourceKey } from "../media/slots";
import { IconButton } from "../ui/button";
import { capacity, keepPlaces, placeGrid, placeStage, type Rect, type Size } from "./layout";
import type { MeetingSession } from "./session";
import { t } from "./texts";
import { Tile } from "./tile";

interface Item {
  readonly key: SourceKey;
  readonly person: PersonID;
  readonly source: Source;
}

interface Arrangement {
  readonly rects: ReadonlyMap<SourceKey, Rect>;
  readonly staged: SourceKey | undefined;
  readonly pages: number;
  readonly page: number;
}

/**
 * All the pictures. Tiles stand in the document in the order of joining and never change
 * places there; where they are seen is their style alone, so a moving tile keeps playing.
 */
export function Tiles({ session }: { session: MeetingSession }) {
  const frame = useRef<HTMLElement>(null);
  const box = useSignal<Size>({ width: 0, height: 0 });
  const page = useSignal(0);
  const shown = useRef<SourceKey[]>([]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      box.value = { width: Math.floor(width), height: Math.floor(height) };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const items = useComputed<readonly Item[]>(() => listItems(session));
  const arrangement = useComputed<Arrangement>(() => {
    const size = box.value;
    const all = items.value;
    if (size.width < 50 || size.height < 50) return { rects: new Map(), staged: undefined, pages: 1, page: 0 };
    const wanted = session.onStage.value;
    const staged = all.some((item) => item.key === wanted) ? wanted : undefined;
    return staged ? stageOf(session, all, staged, size, shown.current) : gridOf(session, all, page.value, size, shown.current);
  });
  const { rects, staged, pages, page: current } = arrangement.value;
  shown.current = [...rects.keys()].filter((key) => key !== staged);

  return (
    <section ref={frame} class="tiles" aria-label={t("tiles")}>
      {items.value.map(({ key, person, source }) => {
        const rect = rects.get(key);
        return rect && <Tile key={key} session={session} person={person} source={source} rect={rect} staged={key === staged} />;
      })}
      {items.value.length === 1 && <p class="tiles-alone">{t("alone")}</p>}
      {pages > 1 && (
        <nav class="tiles-pages" aria-label={t("page_of", { page: current + 1, pages })}>
          <IconButton icon={ChevronLeft} directional label={t("page_before")} disabled={current === 0} onClick={() => (page.value = current - 1)} />
          <span class="figures">{t("page_of", { page: current + 1, pages })}</span>
          <IconButton icon={ChevronRight} directional label={t("page_after")} disabled={current >= pages - 1} onClick={() => (page.value = current + 1)} />
        </nav>
      )}
    </section>
  );
}

/** Everyone in the order of joining, oneself last, then the shared screens of others. */
function listItems(session: MeetingSession): Item[] {
  const seats = session.roster.seats.value;
  const camera = (person: PersonID): Item => ({ key: sourceKey(person, "camera"), person, source: "camera" });
  const others = seats.filter((seat) => seat.person !== session.me);
  return [
    ...others.filter((seat) => seat.screen).map((seat): Item => ({ key: sourceKey(seat.person, "screen"), person: seat.person, source: "screen" })),
    ...others.map((seat) => camera(seat.person)),
    ...(session.roster.mine.value ? [camera(session.me)] : []),
  ];
}

/**
 * As many of the keys as there is room for. Where not all fit, whoever speaks is brought
 * in, and oneself is always there, at the end.
 */
function fit(session: MeetingSession, keys: readonly SourceKey[], room: number, before: readonly SourceKey[]): SourceKey[] {
  if (keys.length <= room) return [...keys];
  void session.roster.speaker.value; // who speaks may change who is shown
  const own = sourceKey(session.me, "camera");
  const mine = keys.includes(own) ? [own] : [];
  const spoke = (key: SourceKey) => {
    const cut = key.lastIndexOf("/");
    // A shared screen keeps its place.
    return key.endsWith("/screen") ? Number.MAX_SAFE_INTEGER : (session.spoke.get(key.slice(0, cut)) ?? 0);
  };
  const others = keys.filter((key) => key !== own);
  return [...keepPlaces(others, Math.max(0, room - mine.length), before.filter((key) => key !== own), spoke), ...mine];
}

/** The height of the row that turns pages. */
const PAGER = 48;

function gridOf(session: MeetingSession, all: readonly Item[], page: number, size: Size, before: readonly SourceKey[]): Arrangement {
  const keys = all.map((item) => item.key);
  const paged = keys.length > capacity(size);
  const box = paged ? { width: size.width, height: size.height - PAGER } : size;
  const room = Math.max(2, capacity(box));
  const own = sourceKey(session.me, "camera");
  const others = keys.filter((key) => key !== own);
  const pages = paged ? Math.ceil(others.length / (room - 1)) : 1;
  const current = Math.min(page, pages - 1);
  const here =
    current === 0
      ? fit(session, keys, paged ? room : keys.length, before.length === room ? before : [])
      : [...others.slice(current * (room - 1), (current + 1) * (room - 1)), own];
  const places = placeGrid(here.length, box);
  return { rects: new Map(here.map((key, i) => [key, places[i]!])), staged: undefined, pages, page: current };
}

function stageOf(session: MeetingSession, all: readonly Item[], staged: SourceKey, size: Size, before: readonly SourceKey[]): Arrangement {
  const others = all.map((item) => item.key).filter((key) => key !== staged);
  const { stage, strip } = placeStage(others.length, size);
  const here = fit(session, others, strip.length, before);
  const rects = new Map<SourceKey, Rect>([[staged, stage]]);
  here.forEach((key, i) => rects.set(key, strip[i]!));
  return { rects, staged, pages: 1, page: 0 };
}
