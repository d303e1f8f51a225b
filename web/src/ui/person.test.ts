import { expect, it } from "vitest";
import { initials } from "./person";

it.each([
  ["أمل حسن", "أ\u200cح"],
  ["خالد العبدالله", "خ\u200cع"],
  ["الشمري", "ش"],
  ["Jean-Luc de Villiers", "JV"],
  ["amal", "A"],
  ["د. سليم الراوي", "س\u200cر"],
  ["Dr Salim al-Rawi", "SA"],
  ["", ""],
])("abbreviates %s", (name, expected) => {
  expect(initials(name).replace(/^([A-Z])\u200c/, "$1")).toBe(expected);
});
