import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

// What no reviewer should have to look for: one style for both directions, all colours in
// tokens.css, nothing from outside, and nothing that the content security policy forbids.

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).map((name) => join("src", name));
const text = new Map([...files, "index.html", "public/boot.js"].filter((name) => /\.(css|tsx?|html|js)$/.test(name)).map((name) => [name, readFileSync(name, "utf8")]));
const named = (pattern: RegExp) => [...text].filter(([name]) => pattern.test(name) && !/\.test\.tsx?$/.test(name));

const bare = (css: string) => css.replace(/\/\*.*?\*\//gs, "");

describe("style sheets", () => {
  it.each(named(/\.css$/))("%s: no physical sides", (_, css) => {
    const physical =
      /(^|[\s{;])((margin|padding|border|inset|scroll-margin|scroll-padding)-(left|right)[\w-]*|left|right|float)\s*:|text-align:\s*(left|right)|border-(top|bottom)-(left|right)-radius/g;
    expect(bare(css).match(physical)).toBeNull();
  });

  it.each(named(/\.css$/).filter(([name]) => !/tokens\.css$/.test(name)))("%s: colours are tokens", (name, css) => {
    const own = bare(css).match(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/gi) ?? [];
    const allowed = ["src/ui/person.css", "src/pages/entry.css"].includes(name) || name.startsWith(join("src", "meeting")); // avatars, the brand's panel, the stage
    expect(allowed ? [] : own).toEqual([]);
  });

  it.each(named(/\.css$/))("%s: motion by tokens, so that it stops for those who prefer less", (_, css) => {
    expect(bare(css).match(/transition[\w-]*:[^;]*\d+m?s/g)).toBeNull();
  });
});

it.each(named(/\.(css|tsx?|html|js)$/))("%s names no address of another host", (name, content) => {
  const outside = (content.match(/(?:https?|wss?):\/\/[a-z0-9.-]+/gi) ?? []).filter((address) => !/www\.w3\.org/.test(address));
  expect(outside, name).toEqual([]);
});

it.each(named(/\.(tsx|html)$/))("%s has no style in its markup and sets no HTML", (_, content) => {
  expect(content).not.toMatch(/\sstyle="/);
  expect(content).not.toMatch(/dangerouslySetInnerHTML|innerHTML|\son\w+="/);
});

it("index.html has no script of its own", () => {
  expect(text.get("index.html")).not.toMatch(/<script(?![^>]*\ssrc=)/);
});
