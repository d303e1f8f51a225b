import type { Page } from "@playwright/test";
import { arrivals, createMeeting, join, perceives, type Seat } from "./support/seat";
import { expect, test } from "./support/test";
import { divertMedia, TCPPath, UDPPath } from "./support/wire";

/** How long a cut lasts, and how soon after it everything must be back; milliseconds. */
const CUT = 5000;
const BACK = 2000;

/** Milliseconds until both pictures and voices arrive again, from now. */
async function untilBack(pairs: readonly (readonly [Seat, Seat])[]): Promise<number> {
  const start = performance.now();
  const before = await Promise.all(pairs.map(([seat]) => arrivals(seat)));
  for (const [i, [seat, other]] of pairs.entries()) {
    const [picture, voice] = [`${other.id}/camera`, `${other.id}/microphone`];
    await expect
      .poll(
        async () => {
          const now = await arrivals(seat);
          // A connection that was made anew counts from zero.
          const fresh = (kind: "frames" | "energy", key: string) => {
            const [then, value] = [before[i]?.[key]?.[kind] ?? 0, now[key]?.[kind] ?? 0];
            return value > 0 && value !== then;
          };
          return fresh("frames", picture) && fresh("energy", voice);
        },
        { message: `${seat.login} sees and hears ${other.login} again`, intervals: [50], timeout: 30_000 },
      )
      .toBe(true);
  }
  return performance.now() - start;
}

async function divert(page: Page, port: number): Promise<void> {
  await page.addInitScript(divertMedia, port);
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a cut of five seconds heals by itself, without a reload or a question", async ({ person, server }) => {
  const [pages, media] = [await TCPPath.to(server.port), await UDPPath.to(server.mediaPort)];
  try {
    const minister = await person("minister");
    const geneva = await person("geneva", { url: `http://localhost:${pages.port}`, before: (page) => divert(page, media.port) });
    const meeting = await createMeeting(minister, { people: [geneva.id] });
    await join(minister, meeting);
    await join(geneva, meeting);
    const pairs = [
      [minister, geneva],
      [geneva, minister],
    ] as const;
    await perceives(minister, [geneva]);
    await perceives(geneva, [minister]);
    await geneva.run(() => Object.assign(window, { loadedOnce: true }), null);
    await geneva.run(() => {
      let count = 0;
      const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (constraints) => (count++, original(constraints));
      Object.assign(window, { asked: () => count });
    }, null);

    pages.cut();
    media.cut();
    await expect(geneva.page.locator(".room-banner")).toBeVisible();
    await expect(minister.page.locator(".tile-away")).toBeVisible(); // the others see who is away
    await pause(CUT);
    media.restore();
    pages.restore();
    const took = await untilBack(pairs);
    test.info().annotations.push({ type: "healed", description: `${Math.round(took)} ms` });
    expect(took).toBeLessThan(BACK);
    await expect(geneva.page.locator(".room-banner")).toHaveCount(0);
    await expect(minister.page.locator(".tile-away")).toHaveCount(0);

    expect(await geneva.run(() => (window as unknown as { loadedOnce?: boolean }).loadedOnce, null)).toBe(true);
    expect(await geneva.run(() => (window as unknown as { asked: () => number }).asked(), null)).toBe(0);
    expect(await minister.run(() => window.tarasul!.seats.length, null)).toBe(2); // no ghost, no duplicate
  } finally {
    media.close();
    pages.close();
  }
});

test("a client that comes from another address goes on", async ({ person, server }) => {
  const media = await UDPPath.to(server.mediaPort);
  try {
    const minister = await person("minister");
    const geneva = await person("geneva", { before: (page) => divert(page, media.port) });
    const meeting = await createMeeting(minister, { people: [geneva.id] });
    await join(minister, meeting);
    await join(geneva, meeting);
    await perceives(geneva, [minister]);
    await perceives(minister, [geneva]);

    media.move();
    const moved = await untilBack([
      [minister, geneva],
      [geneva, minister],
    ]);
    expect(moved).toBeLessThan(BACK);

    await test.step("and an ICE restart is not noticed by anybody", async () => {
      await geneva.run(() => window.dispatchEvent(new Event("online")), null);
      await expect.poll(() => geneva.run(() => window.tarasul!.healing.restarts, null)).toBe(1);
      const took = await untilBack([
        [minister, geneva],
        [geneva, minister],
      ]);
      expect(took).toBeLessThan(BACK);
      expect(await geneva.run(() => window.tarasul!.healing.rebuilds, null)).toBe(0);
    });
  } finally {
    media.close();
  }
});

test("a lost socket alone is not noticed in voice or picture, and chat comes through once", async ({ person, server }) => {
  const pages = await TCPPath.to(server.port);
  try {
    const minister = await person("minister");
    const geneva = await person("geneva", { url: `http://localhost:${pages.port}` });
    const meeting = await createMeeting(minister, { people: [geneva.id] });
    await join(minister, meeting);
    await join(geneva, meeting);
    await perceives(geneva, [minister]);
    await minister.key("c");
    await geneva.key("c");

    pages.cut();
    await expect(geneva.page.locator(".room-banner")).toBeVisible();
    await geneva.write(".side textarea", "كُتبت أثناء الانقطاع");
    await minister.write(".side textarea", "Written during the cut");
    await perceives(geneva, [minister]); // while the socket is away
    pages.restore();
    await expect(geneva.page.locator(".room-banner")).toHaveCount(0);
    for (const { page } of [minister, geneva]) {
      for (const text of ["كُتبت أثناء الانقطاع", "Written during the cut"]) {
        await expect(page.locator(".side").getByText(text, { exact: true })).toHaveCount(1);
      }
    }
  } finally {
    pages.close();
  }
});
