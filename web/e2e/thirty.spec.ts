import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { arrivals, join, request, type Seat } from "./support/seat";
import { expect, test } from "./support/test";

const LOADTEST = process.env["LOADTEST_BIN"] ?? resolve(dirname(fileURLToPath(import.meta.url)), "../../bin/loadtest");
const BOTS = 28;

/** What of the load tester's report counts here. */
interface Report {
  readonly streams_expected: number;
  readonly streams_flowing: number;
  readonly loss_percent: number;
}

test("thirty meet: twenty-eight bots and two real pages", async ({ person, server }) => {
  test.setTimeout(180_000);
  const admin = await person("admin");
  const minister = await person("minister");
  const bots = spawn(LOADTEST, ["meeting", "--server", server.url, "--participants", `${BOTS}`, "--video", "150kbps", "--duration", "45s", "--json", "-"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const printed: Buffer[] = [];
  bots.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  const ended = once(bots, "exit");
  try {
    const meeting = await test.step("the bots fill a meeting", async () => {
      const find = async () => (await request(admin, "meeting.list", { from: 0, to: Date.now() + 60_000 })).meetings.find((each) => each.seated === BOTS);
      await expect.poll(async () => (await find())?.seated, { timeout: 60_000 }).toBe(BOTS);
      return (await find())!;
    });
    await request(admin, "meeting.save", { ...meeting, people: [...meeting.people, minister.id] });
    const pages: Seat[] = [admin, minister];
    for (const page of pages) await join(page, meeting.id);

    await test.step("each page decodes all twenty-nine others", async () => {
      for (const page of pages) {
        const before = await arrivals(page);
        const going = async () => {
          const now = await arrivals(page);
          return Object.keys(now).filter((name) => name.endsWith("/camera") && now[name]!.frames > (before[name]?.frames ?? 0) + 5).length;
        };
        await expect.poll(going, { message: `${page.login} sees everyone`, timeout: 30_000 }).toBe(BOTS + 1);
        await expect.poll(() => page.run(() => window.tarasul!.tiles.filter((tile) => tile.running).length, null), { timeout: 30_000 }).toBe(BOTS + 2);
      }
    });
    await test.step("the thirty-first is refused clearly", async () => {
      const geneva = await person("geneva");
      await request(admin, "meeting.save", { ...meeting, people: [...meeting.people, minister.id, geneva.id] });
      await expect(request(geneva, "meeting.join", { meeting: meeting.id, microphone: false, camera: false })).rejects.toThrow("meeting_full");
    });
    const [code] = (await ended) as [number];
    const report = JSON.parse(Buffer.concat(printed).toString()) as Report;
    expect(report.streams_flowing, "what the bots see and hear of each other").toBe(report.streams_expected);
    expect(report.loss_percent).toBe(0);
    expect(code).toBe(0);
  } finally {
    bots.kill();
  }
});
