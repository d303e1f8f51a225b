import { expect, it } from "vitest";
import { pieces } from "./links";

const links = (text: string) => pieces(text).flatMap((piece) => ("href" in piece ? [piece.text] : []));

it.each([
  ["no link at all", []],
  ["see https://intranet.mofa.example/docs?id=7.", ["https://intranet.mofa.example/docs?id=7"]],
  ["راجع https://a.example/x، ثم http://b.example؟", ["https://a.example/x", "http://b.example"]],
  ["(https://a.example/a_(b))", ["https://a.example/a_(b)"]],
  ["“https://a.example/q”", ["https://a.example/q"]],
  ["https://a.example/المرفق", ["https://a.example/المرفق"]],
  ["HTTPS://A.EXAMPLE/x", ["HTTPS://A.EXAMPLE/x"]],
])("finds the addresses in %j", (text, expected) => {
  expect(links(text)).toEqual(expected);
});

it.each(["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://", "https://bank.example@evil.example/", "ftp://a.example"])(
  "makes no link of %j",
  (text) => {
    expect(links(text)).toEqual([]);
  },
);

it("loses no character", () => {
  for (const text of ["a https://x.example/1 b", "https://x.example.", "…https://x.example/?a=1&b=2))"]) {
    expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
  }
});
