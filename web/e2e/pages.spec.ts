import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { mkdir } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { portrait } from "./support/portrait";
import { createMeeting, join, JOIN, phase, seated, type ChromiumSeat } from "./support/seat";
import { expect, test } from "./support/test";

/** Every page, in both directions and themes: it has its content, no fault, and a picture is kept if asked for. */

const SHOTS = process.env["SCREENSHOTS"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const LOOKS = [
  { language: "ar", theme: "light" },
  { language: "ar", theme: "dark" },
  { language: "en", theme: "light" },
  { language: "en", theme: "dark" },
] as const;

type Look = { readonly language: string; readonly theme: string };

async function dress(page: Page, { language, theme }: Look): Promise<void> {
  await page.evaluate((settings) => localStorage.setItem("tarasul.settings", JSON.stringify(settings)), { language, theme, digits: "arab" });
  await page.reload();
}

/** Looks a page over. Its content must be there first: an empty page has no fault either. */
async function inspect(page: Page, name: string, look: Look, content = "h1"): Promise<void> {
  await expect(page.locator(content).first(), `${name} has content`).toBeVisible();
  await page.evaluate(async () => {
    await document.fonts.ready;
    // A contrast is measured when nothing moves any more; what turns for ever is no text.
    const ending = document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
  if (SHOTS) {
    await mkdir(SHOTS, { recursive: true });
    await page.screenshot({ path: joinPath(SHOTS, `${name}-${look.language}-${look.theme}.png`) });
  }
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const faults = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1]?.trim()}`));
  expect(faults, `${name} in ${look.language}, ${look.theme}`).toEqual([]);
}

/** Nothing is wider than a telephone. */
async function fitsIn(page: Page, name: string): Promise<void> {
  const outside = () =>
    page.evaluate(() => {
      // What a box cuts off or scrolls is the box's own affair.
      const cut = (element: Element | null): boolean =>
        element !== null && element !== document.body && (getComputedStyle(element).overflowX !== "visible" || cut(element.parentElement));
      return [...document.querySelectorAll("body *")]
        .filter((element) => {
          const { left, right, width } = element.getBoundingClientRect();
          return width > 0 && (right > innerWidth + 1 || left < -1) && !cut(element.parentElement) && !element.closest(".unseen, [popover]");
        })
        .slice(0, 3)
        .map((element) => element.className || element.tagName);
    });
  await expect.poll(outside, { message: `${name}: nothing reaches out of the window` }).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
}

test("the sign-in page", async ({ page, server }) => {
  await page.goto(server.url);
  for (const look of LOOKS) {
    await dress(page, look);
    await inspect(page, "sign-in", look);
  }
});

test("the pages of a person and of an administrator", async ({ person }) => {
  test.setTimeout(180_000);
  const admin = await person("admin");
  const minister = await person("minister");
  await createMeeting(minister, { people: [admin.id], starts: Date.now() + 3_600_000 });
  const places = { home: "/", messages: "/messages", conversation: `/messages/${minister.id}`, people: "/people", settings: "/settings", lost: "/nowhere/at/all" };
  for (const look of LOOKS) {
    await dress(admin.page, look);
    for (const [name, path] of Object.entries(places)) {
      await admin.goto(path);
      await inspect(admin.page, name, look, "main h1");
    }
  }
  await admin.page.setViewportSize({ width: 390, height: 800 });
  for (const language of ["ar", "en", "fr"]) {
    await dress(admin.page, { language, theme: "light" });
    for (const [name, path] of Object.entries(places)) {
      await admin.goto(path);
      await expect(admin.page.locator("main h1").first()).toBeVisible();
      await fitsIn(admin.page, `${name} in ${language}`);
    }
  }
});

test("a meeting from the door to the end", async ({ person }) => {
  test.setTimeout(240_000);
  const drawn = (number: number) => ({ before: async (page: Page) => void (await page.addInitScript(portrait, number)) });
  const minister = await person("minister", drawn(0));
  const geneva = await person("geneva", drawn(2));
  const paris = await person("paris", drawn(1));
  const political = await person("political", drawn(4));
  for (const look of [LOOKS[0], LOOKS[3]]) {
    const meeting = await createMeeting(minister, {
      title: { ar: "التحضير لاجتماع وزراء الخارجية", en: "Preparing the ministers’ meeting" },
      people: [geneva.id, political.id],
      lobby: true,
    });
    await dress(minister.page, look);
    await dress(geneva.page, look);
    await dress(paris.page, look);

    await paris.goto(`/meeting/${meeting}`);
    await expect.poll(() => phase(paris)).toBe("prejoin");
    await expect(paris.page.locator(".preview video")).toBeVisible();
    await inspect(paris.page, "prejoin", look);

    await join(minister, meeting);
    await inspect(minister.page, "meeting-alone", look);
    await join(geneva, meeting);
    await paris.click(JOIN);
    await expect.poll(() => phase(paris)).toBe("waiting");
    await inspect(paris.page, "waiting", look);

    await geneva.key("h");
    await expect(minister.page.locator(".tile-hand")).toBeVisible();
    await opened(minister, "p", ".people-panel", "meeting-people", look);
    await minister.key("a");
    await seated(paris);
    await join(political, meeting);
    await minister.key("p");
    await expect.poll(() => minister.run(() => window.tarasul!.tiles.filter((tile) => tile.running).length, null)).toBe(4);
    if (SHOTS) await minister.page.setViewportSize({ width: 1280, height: 760 });
    await expect(minister.page.locator(".room-notice")).toHaveCount(0); // passing notices lie over the pictures
    await inspect(minister.page, "meeting", look);
    await political.key("c");
    await political.write(".side textarea", "أرسلتُ المسودة الثالثة (draft 3) قبل قليل.");
    await political.page.locator(".side-head button").click();
    await opened(minister, "c", ".side textarea", "meeting-chat", look);
    await minister.page.locator(".side-head button").click();
    await opened(minister, "i", ".figures-card table", "meeting-statistics", look);
    await minister.key("i");
    await opened(minister, "?", "dialog", "meeting-keys", look);
    await minister.key("Escape");
    await minister.page.locator(".bar button[aria-haspopup=menu]").click();
    await inspect(minister.page, "meeting-more", look, "[role=menu]");
    await minister.page.locator("[role=menuitem]").first().click();
    await inspect(minister.page, "meeting-devices", look, "dialog");
    await minister.key("Escape");

    await geneva.key("s");
    await expect(minister.page.locator(".tile-staged.tile-screen")).toBeVisible();
    await expect.poll(() => minister.run(() => window.tarasul!.tiles.some((tile) => tile.key.endsWith("/screen") && tile.running), null)).toBe(true);
    await inspect(minister.page, "meeting-screen", look);

    await expect(minister.page.locator(".room-notice")).toHaveCount(0);
    await minister.page.setViewportSize({ width: 390, height: 800 });
    await fitsIn(minister.page, "meeting");
    await inspect(minister.page, "meeting-narrow", look);
    await minister.key("p");
    await fitsIn(minister.page, "meeting with people");
    await inspect(minister.page, "meeting-people-narrow", look);
    await minister.key("p");
    await minister.page.setViewportSize({ width: 960, height: 600 });

    await minister.page.locator(".control-leave").click();
    await inspect(minister.page, "meeting-leave", look, "dialog");
    await minister.page.locator("dialog .button-danger").click();
    await expect.poll(() => phase(geneva)).toBe("over");
    await inspect(geneva.page, "over", look);
    await geneva.page.setViewportSize({ width: 390, height: 800 });
    await fitsIn(geneva.page, "over");
    await geneva.page.setViewportSize({ width: 960, height: 600 });
  }
});

/** Presses a key and looks over what it opens. */
async function opened(seat: ChromiumSeat, key: string, content: string, name: string, look: Look): Promise<void> {
  await seat.key(key);
  await inspect(seat.page, name, look, content);
}
