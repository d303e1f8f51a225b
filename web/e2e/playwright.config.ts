import { defineConfig } from "@playwright/test";

/**
 * End-to-end tests: the built server, real browsers, real media over loopback. One worker:
 * a meeting of four pages fills two cores.
 *
 *   npm run e2e                         (needs ../bin/tarasul, chromium and firefox-esr)
 *   SCREENSHOTS=/tmp/shots npm run e2e  (keeps a picture of every page)
 */
export default defineConfig({
  testDir: ".",
  outputDir: "../test-results",
  workers: 1,
  fullyParallel: false,
  forbidOnly: !!process.env["CI"],
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    locale: "ar",
    screen: { width: 1920, height: 1080 },
    viewport: { width: 960, height: 600 }, // four pages are drawn without a graphics card
    trace: "off",
    screenshot: "only-on-failure",
    permissions: ["camera", "microphone", "clipboard-write"],
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--use-fake-device-for-media-stream=fps=15",
        "--use-fake-ui-for-media-stream",
        "--auto-select-desktop-capture-source=Entire screen",
        "--autoplay-policy=no-user-gesture-required",
        "--allow-loopback-in-peer-connection",
      ],
    },
  },
});
