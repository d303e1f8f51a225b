import { defineConfig } from "vitest/config";
import { compress } from "./scripts/compress.ts";

// The output goes below dist/, not over it: dist/index.html is the committed placeholder
// that makes the server build without Node, and stays as it is.
export default defineConfig({
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    target: ["chrome111", "firefox115", "safari16.4"],
    assetsInlineLimit: 0, // no data: addresses, the content security policy forbids them for fonts
    sourcemap: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: "licenses.md" },
  },
  plugins: [compress()],
  server: {
    port: 5173,
    proxy: { "/api": { target: "http://localhost:8080", ws: true } },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts"],
    restoreMocks: true,
  },
});
