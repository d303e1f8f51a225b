import { expect, type BrowserContext, type Page } from "@playwright/test";
import puppeteer, { type Browser as PuppeteerBrowser, type Page as PuppeteerPage } from "puppeteer-core";
import type { DemoAccount, MeetingSave, PersonID, Requests, SessionInfo } from "../../src/protocol.gen";
import type {} from "../../src/meeting/support"; // declares window.tarasul

/** One person's page, in whichever browser. */
export interface Seat {
  readonly login: string;
  readonly id: PersonID;
  /** Runs a function in the page. */
  run<T, A>(work: (argument: A) => T | Promise<T>, argument: A): Promise<T>;
  goto(path: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Types into a field and presses Enter. */
  write(selector: string, text: string): Promise<void>;
  key(code: string): Promise<void>;
}

// What runs in the page.

/** Small cameras: the test machine encodes for everybody. */
function saveCamera(): void {
  localStorage.setItem("tarasul.devices", JSON.stringify({ lines: 360 }));
}

async function post(account: { login: string }): Promise<string> {
  const info = (await (await fetch("/api/session")).json()) as SessionInfo;
  if (info.you?.login === account.login) return info.you.id; // another tab has signed in
  const found = (info.accounts as DemoAccount[]).find((each) => each.login === account.login);
  const response = await fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ login: account.login, password: found?.password }),
  });
  if (!response.ok) throw new Error(`sign-in of ${account.login}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as SessionInfo).you!.id;
}

function ask(request: { type: string; body: unknown }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/signaling`, "tarasul.v1");
    const send = (type: string, id: string, body: unknown) => socket.send(JSON.stringify({ type, id, body }));
    socket.onopen = () => send("hello", "h", { version: 1, client: "e2e" });
    socket.onerror = () => reject(new Error("no websocket"));
    socket.onmessage = ({ data }) => {
      const envelope = JSON.parse(data as string) as { id?: string; body?: unknown; error?: { code: string } };
      if (envelope.id === "h") send(request.type, "r", request.body);
      if (envelope.id !== "r") return;
      socket.close();
      if (envelope.error) reject(new Error(envelope.error.code));
      else resolve(envelope.body);
    };
  });
}

/** Asks the server as this person, over a websocket of its own. */
export async function request<T extends keyof Requests>(seat: Seat, type: T, body: Requests[T]["body"]): Promise<Requests[T]["reply"]> {
  return (await seat.run(ask, { type, body })) as Requests[T]["reply"];
}

/** A person in Chromium. `path` is where the page comes from: the server, or a path to it. */
export class ChromiumSeat implements Seat {
  /** What pages have asked of others than the server. */
  static readonly outside: string[] = [];

  private constructor(
    readonly page: Page,
    readonly login: string,
    readonly id: PersonID,
  ) {}

  static async signIn(context: BrowserContext, url: string, login: string, before?: (page: Page) => Promise<void>): Promise<ChromiumSeat> {
    const page = await context.newPage();
    page.on("request", (request) => {
      // Nothing is asked of anybody but the server, ever.
      if (/^(https?|wss?):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) ChromiumSeat.outside.push(request.url());
    });
    page.on("pageerror", (error) => console.log(`${login}: ${error.stack ?? error.message}`));
    await before?.(page);
    await page.goto(`${url}/icon.svg`);
    await page.evaluate(saveCamera);
    const id = await page.evaluate(post, { login });
    await page.goto(url);
    return new ChromiumSeat(page, login, id);
  }

  run<T, A>(work: (argument: A) => T | Promise<T>, argument: A): Promise<T> {
    return this.page.evaluate(work as (argument: unknown) => T | Promise<T>, argument);
  }
  async goto(path: string): Promise<void> {
    await this.page.goto(new URL(path, this.page.url()).href);
  }
  async click(selector: string): Promise<void> {
    await this.page.locator(selector).first().click();
  }
  async write(selector: string, text: string): Promise<void> {
    await this.page.locator(selector).fill(text);
    await this.page.locator(selector).press("Enter");
  }
  async key(code: string): Promise<void> {
    await this.page.keyboard.press(code);
  }
}

/** A person in Firefox. */
export class FirefoxSeat implements Seat {
  private constructor(
    private readonly browser: PuppeteerBrowser,
    private readonly page: PuppeteerPage,
    private readonly url: string,
    readonly login: string,
    readonly id: PersonID,
  ) {}

  static async signIn(url: string, login: string): Promise<FirefoxSeat> {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: process.env["FIREFOX"] ?? "/usr/bin/firefox-esr",
      headless: true,
      extraPrefsFirefox: {
        "media.navigator.streams.fake": true,
        "media.navigator.permission.disabled": true,
        "media.autoplay.default": 0,
        "media.peerconnection.ice.loopback": true,
        "media.peerconnection.ice.obfuscate_host_addresses": false,
        "intl.accept_languages": "ar",
      },
    });
    const page = await browser.newPage();
    await page.setViewport({ width: 960, height: 600 });
    await page.goto(`${url}/icon.svg`);
    await page.evaluate(saveCamera);
    const id = await page.evaluate(post, { login });
    await page.goto(url);
    return new FirefoxSeat(browser, page, url, login, id);
  }

  run<T, A>(work: (argument: A) => T | Promise<T>, argument: A): Promise<T> {
    return this.page.evaluate(work as (argument: unknown) => T | Promise<T>, argument);
  }
  async goto(path: string): Promise<void> {
    await this.page.goto(this.url + path);
  }
  async click(selector: string): Promise<void> {
    await (await this.page.waitForSelector(selector, { visible: true }))!.click();
  }
  async write(selector: string, text: string): Promise<void> {
    const field = (await this.page.waitForSelector(selector, { visible: true }))!;
    await field.type(text);
    await field.press("Enter");
  }
  async key(code: string): Promise<void> {
    await this.page.keyboard.press(code as Parameters<PuppeteerPage["keyboard"]["press"]>[0]);
  }
  close(): Promise<void> {
    return this.browser.close();
  }
}

// The steps of a meeting.

/** Makes a meeting that begins now; its creator is the chair. */
export async function createMeeting(by: Seat, save: Partial<MeetingSave> = {}): Promise<string> {
  const { meeting } = await request(by, "meeting.save", {
    title: { ar: "اجتماع التجربة", en: "Trial meeting", fr: "Réunion d’essai" },
    starts: 0,
    minutes: 60,
    people: [],
    units: [],
    lobby: false,
    share: "everyone",
    ...save,
  });
  return meeting.id;
}

export const JOIN = ".prejoin-card .button-primary";

/** Opens the meeting's address and presses the button. */
export async function knock(seat: Seat, meeting: string): Promise<void> {
  await seat.goto(`/meeting/${meeting}`);
  await expect.poll(() => phase(seat)).toBe("prejoin");
  await seat.click(JOIN);
}

/** Knocks and waits until seated and connected. */
export async function join(seat: Seat, meeting: string): Promise<void> {
  await knock(seat, meeting);
  await seated(seat);
}

export async function seated(seat: Seat): Promise<void> {
  await expect.poll(() => phase(seat), { message: `${seat.login} is seated` }).toBe("seated");
  await expect.poll(() => seat.run(() => window.tarasul?.connection, null), { message: `${seat.login} is connected` }).toBe("connected");
}

export function phase(seat: Seat): Promise<string | undefined> {
  return seat.run(() => window.tarasul?.phase, null);
}

/** What arrives, by source: frames of pictures, energy of voices. */
export interface Arrival {
  readonly frames: number;
  readonly energy: number;
  readonly lines: number;
  readonly packets: number;
}

export async function arrivals(seat: Seat): Promise<Record<string, Arrival>> {
  return seat.run(async () => {
    const report = await window.tarasul?.read();
    const result: Record<string, { frames: number; energy: number; lines: number; packets: number }> = {};
    for (const row of report?.rows ?? []) {
      if (row.direction !== "in") continue;
      result[row.name] = { frames: row.frames ?? 0, energy: row.energy ?? 0, lines: row.height ?? 0, packets: row.packets };
    }
    return result;
  }, null);
}

/** Waits until this person sees and hears each of the others, going on. */
export async function perceives(seat: Seat, others: readonly Seat[], timeout = 20_000): Promise<void> {
  const before = await arrivals(seat);
  const missing = async (): Promise<string[]> => {
    const now = await arrivals(seat);
    const result: string[] = [];
    for (const other of others) {
      const [picture, voice] = [`${other.id}/camera`, `${other.id}/microphone`];
      if ((now[picture]?.frames ?? 0) < (before[picture]?.frames ?? 0) + 5) result.push(`${other.login}'s picture`);
      if ((now[voice]?.energy ?? 0) <= (before[voice]?.energy ?? 0)) result.push(`${other.login}'s voice`);
    }
    return result;
  };
  await expect.poll(missing, { message: `${seat.login} misses nobody`, timeout }).toEqual([]);
}
