import { arrivals, createMeeting, FirefoxSeat, join, perceives, type ChromiumSeat, type Seat } from "./support/seat";
import { expect, test } from "./support/test";

test("three Chromium pages and one Firefox hold a meeting", async ({ person, server }) => {
  test.setTimeout(180_000);
  const minister = await person("minister");
  const political = await person("political");
  const geneva = await person("geneva");
  const paris = await FirefoxSeat.signIn(server.url, "paris");
  const all: Seat[] = [minister, political, geneva, paris];
  const others = (seat: Seat) => all.filter((other) => other !== seat);
  try {
    const meeting = await createMeeting(minister, { people: others(minister).map((seat) => seat.id) });
    await test.step("everyone joins", async () => {
      for (const seat of all) await join(seat, meeting);
    });
    await test.step("each sees and hears every other", async () => {
      for (const seat of all) await perceives(seat, others(seat));
    });
    await test.step("tiles show the pictures", async () => {
      for (const seat of all) {
        await expect
          .poll(() => seat.run(() => window.tarasul!.tiles.filter((tile) => tile.running).length, null), { message: seat.login })
          .toBe(4);
      }
    });
    for (const speaker of [political, paris]) {
      await test.step(`muting stops the packets of ${speaker.login}, and unmuting brings the voice back at once`, () => muting(speaker, others(speaker)));
    }
    await test.step("a shared screen arrives legible and takes the stage", () => sharing(geneva, others(geneva)));
    await test.step("chat arrives once and in order", () => chat(all));
    await test.step("hands queue, and the chair gives the floor", () => hands(minister, political, geneva));
    await test.step("the chair mutes one, and asks to unmute", () => mutingByChair(minister, political));
    await test.step("the chair ends the meeting for all", async () => {
      await minister.click(".control-leave");
      await minister.click(".dialog .button-danger");
      for (const seat of all) await expect.poll(() => seat.run(() => window.tarasul?.phase, null), { message: seat.login }).toBe("over");
    });
  } finally {
    await paris.close();
  }
});

async function muting(speaker: Seat, listeners: readonly Seat[]): Promise<void> {
  const voice = `${speaker.id}/microphone`;
  const sent = () =>
    speaker.run(async () => {
      const report = await window.tarasul!.read();
      return report!.rows.find((row) => row.direction === "out" && row.name === "microphone")?.packets ?? 0;
    }, null);
  await speaker.key("m");
  // Off is when two readings, a whole statistics period apart, are the same.
  let last = -1;
  await expect
    .poll(
      async () => {
        const now = await sent();
        const quiet = now === last;
        last = now;
        return quiet;
      },
      { intervals: [700] },
    )
    .toBe(true);
  for (const listener of listeners) {
    await expect
      .poll(() => listener.run((id) => window.tarasul!.seats.find((seat) => seat.person === id)?.microphone, speaker.id), { message: listener.login })
      .toBe(false);
  }
  const before = await Promise.all(listeners.map(async (listener) => (await arrivals(listener))[voice]?.energy ?? 0));
  await speaker.key("m");
  for (const [i, listener] of listeners.entries()) {
    await expect.poll(async () => (await arrivals(listener))[voice]?.energy ?? 0, { message: `${listener.login} hears ${speaker.login} again` }).toBeGreaterThan(before[i]!);
  }
}

async function sharing(sharer: ChromiumSeat, viewers: readonly Seat[]): Promise<void> {
  const screen = `${sharer.id}/screen`;
  await sharer.key("s");
  for (const viewer of viewers) {
    await expect.poll(async () => (await arrivals(viewer))[screen]?.lines ?? 0, { message: viewer.login, timeout: 20_000 }).toBeGreaterThanOrEqual(720);
    await expect.poll(() => viewer.run(() => document.querySelector<HTMLElement>(".tile-staged")?.dataset["key"], null), { message: viewer.login }).toBe(screen);
  }
  await sharer.key("s");
  for (const viewer of viewers) {
    await expect.poll(() => viewer.run(() => document.querySelector(".tile-staged") === null, null), { message: viewer.login }).toBe(true);
  }
}

const WRITE = ".side textarea";

async function chat(all: readonly Seat[]): Promise<void> {
  for (const seat of all) await seat.key("c");
  const lines: string[] = [];
  for (const [i, seat] of [...all, ...all].entries()) {
    const line = i % 2 === 0 ? `السطر ${i} من المحضر (draft v${i})` : `Line ${i} of the record`;
    lines.push(line);
    await seat.write(WRITE, line);
    // The next one writes when this line has been stored, so that there is one right order.
    await expect.poll(() => seat.run(() => document.querySelector(".side")?.textContent ?? "", null)).toContain(line);
  }
  for (const seat of all) {
    await expect
      .poll(
        () =>
          seat.run((wanted) => {
            const text = document.querySelector(".side-body")?.textContent ?? "";
            const places = wanted.map((line) => text.indexOf(line));
            const once = wanted.every((line) => text.split(line).length === 2);
            return once && places.every((place, j) => place >= 0 && (j === 0 || place > places[j - 1]!));
          }, lines),
        { message: `${seat.login} has every line once and in order` },
      )
      .toBe(true);
    // The keys belong to the field while one types; the button closes the panel.
    await seat.click(".side-head button");
  }
}

async function hands(chair: ChromiumSeat, first: Seat, second: Seat): Promise<void> {
  await first.key("h");
  await expect(chair.page.locator(`[data-key="${first.id}/camera"] .tile-hand`)).toBeVisible();
  await second.key("h");
  await expect(chair.page.locator(`[data-key="${second.id}/camera"] .tile-hand`)).toBeVisible();
  await chair.key("p");
  const queue = chair.page.locator(".row-place");
  await expect(queue).toHaveCount(2);
  await chair.page.locator(".row:has(.row-place)").first().getByRole("button").first().click();
  await expect.poll(() => first.run(() => document.querySelector(".room-notice") !== null, null)).toBe(true);
  await expect(queue).toHaveCount(1);
  await chair.key("p");
}

async function mutingByChair(chair: ChromiumSeat, muted: ChromiumSeat): Promise<void> {
  const row = chair.page.locator(`.row[data-person="${muted.id}"]`);
  const choose = async (name: RegExp) => {
    await row.locator("button[aria-haspopup=menu]").click();
    await row.getByRole("menuitem", { name }).click();
  };
  await chair.key("p");
  await choose(/كتم/);
  await expect(muted.page.locator(".bar .control").first()).toHaveClass(/control-off/);
  await choose(/طلب تشغيل/);
  await muted.page.locator(".room-notice .button-primary").click();
  await expect(muted.page.locator(".bar .control").first()).not.toHaveClass(/control-off/);
  await chair.key("p");
}
