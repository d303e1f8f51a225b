import { expect, test as base, type BrowserContext, type Page } from "@playwright/test";
import { ChromiumSeat } from "./seat";
import { startServer, type Server } from "./server";

interface PersonOptions {
  /** Where the pages come from, if not straight from the server. */
  url?: string;
  /** A browser context that exists already: another tab of the same person. */
  context?: BrowserContext;
  /** Prepares the page before anything is loaded. */
  before?: (page: Page) => Promise<void>;
}

interface Fixtures {
  /** Signs a person in, in a browser context of their own. */
  person: (login: string, options?: PersonOptions) => Promise<ChromiumSeat>;
}

/** Every file has a server of its own; every person a context of their own. */
export const test = base.extend<Fixtures, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  person: async ({ browser, server, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (login, options = {}) => {
      const context = options.context ?? (await browser.newContext(contextOptions));
      if (!options.context) contexts.push(context);
      return ChromiumSeat.signIn(context, options.url ?? server.url, login, options.before);
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(ChromiumSeat.outside, "asked of others than the server").toEqual([]);
  },
});

export { expect } from "@playwright/test";
