import { afterEach, describe, expect, it } from "vitest";
import { type Dictionary, dictionary, digits, type Entry, fold, language, languages, list, number, pick } from "./dictionary";

afterEach(() => {
  language.value = "ar";
  digits.value = "arab";
});

// Every dictionary of the client, wherever it lies.
const modules = import.meta.glob<Record<string, unknown>>("../**/*texts.ts", { eager: true });
const dictionaries = Object.entries(modules).flatMap(([file, exports]) =>
  Object.values(exports)
    .filter((value): value is Dictionary<Record<string, Entry>> => typeof value === "function" && "entries" in value)
    .map((value) => [file, value.entries] as const),
);

const forms = (text: Entry["ar"]) => (typeof text === "string" ? [text] : Object.values(text));
const namesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);

describe("all texts", () => {
  it("are found", () => {
    expect(dictionaries.length).toBeGreaterThan(6);
  });

  it.each(dictionaries)("of %s are there in all three languages, with the same names", (_, entries) => {
    for (const [key, entry] of Object.entries(entries)) {
      const wanted = new Set(languages.flatMap((each) => forms(entry[each]).flatMap(namesIn)).filter((name) => name !== "count"));
      for (const each of languages) {
        for (const form of forms(entry[each])) {
          expect(form.trim(), `${key} in ${each}`).not.toBe("");
          const names = new Set(namesIn(form).filter((name) => name !== "count"));
          expect(names, `names in ${key} in ${each}`).toEqual(wanted);
        }
      }
    }
  });

  it.each(dictionaries)("of %s have every plural form that their language needs", (_, entries) => {
    for (const [key, entry] of Object.entries(entries)) {
      for (const each of languages) {
        const text = entry[each];
        if (typeof text === "string") continue;
        // These may look like "other": nothing and eleven in Arabic, a million in French.
        const mayLack = { ar: ["zero", "many"], en: [], fr: ["many"] }[each] as string[];
        const needed = new Intl.PluralRules(each).resolvedOptions().pluralCategories.filter((form) => !mayLack.includes(form));
        expect(Object.keys(text), `${key} in ${each}`).toEqual(expect.arrayContaining(needed));
      }
    }
  });

  it.each(dictionaries)("of %s in Arabic are written in Arabic", (_, entries) => {
    for (const [key, entry] of Object.entries(entries)) {
      for (const form of forms(entry.ar)) {
        if (/[\p{L}]/u.test(form.replace(/\{\w+\}/g, ""))) expect(form, key).toMatch(/[\u0600-\u06ff]/);
      }
    }
  });
});

describe("a dictionary", () => {
  const t = dictionary({
    plain: { ar: "نعم", en: "Yes", fr: "Oui" },
    named: { ar: "مرحبًا {name}", en: "Hello {name}", fr: "Bonjour {name}" },
    many: {
      ar: { zero: "لا شيء", one: "واحد", two: "اثنان", few: "{count} قليلة", many: "{count} كثيرًا", other: "{count}" },
      en: { one: "{count} thing", other: "{count} things" },
      fr: { one: "{count} chose", many: "{count} de choses", other: "{count} choses" },
    },
  });

  it("speaks the page's language, at once", () => {
    expect(t("plain")).toBe("نعم");
    language.value = "fr";
    expect(t("plain")).toBe("Oui");
  });

  it("isolates what it fills in, so that a Latin name does not turn an Arabic sentence over", () => {
    expect(t("named", { name: "Jean" })).toBe("مرحبًا \u2068Jean\u2069");
  });

  it("counts as the language does", () => {
    expect([0, 1, 2, 3, 11].map((count) => t("many", { count }))).toEqual(["لا شيء", "واحد", "اثنان", "٣ قليلة", "١١ كثيرًا"]);
    language.value = "en";
    expect([1, 2].map((count) => t("many", { count }))).toEqual(["1 thing", "2 things"]);
  });

  it("writes digits as the person chose", () => {
    expect(number(2026)).toMatch(/^٢[٬.,]?٠٢٦$/);
    digits.value = "latn";
    expect(number(15)).toBe("15");
    language.value = "en";
    digits.value = "arab";
    expect(number(15)).toBe("15");
  });
});

it("lists names as the language does", () => {
  language.value = "en";
  expect(list(["a", "b", "c"])).toBe("a, b and c");
  language.value = "ar";
  expect(list(["أ", "ب"])).toBe("أ وب");
});

it("picks the name in the page's language, or one that there is", () => {
  expect(pick({ ar: "أمل", en: "Amal" })).toBe("أمل");
  language.value = "fr";
  expect(pick({ ar: "أمل", en: "Amal" })).toBe("Amal");
  expect(pick({ ar: "أمل" })).toBe("أمل");
  language.value = "en";
  expect(pick({ fr: "Jean" })).toBe("Jean");
  expect(pick(undefined)).toBe("");
});

it.each([
  ["إدارة", "اداره"],
  ["مُحَمَّـد", "محمد"],
  ["مصطفى", "مصطفي"],
  ["Élysée", "elysee"],
  ["مؤتمر", "موتمر"],
])("folds %s and %s alike", (a, b) => {
  expect(fold(a)).toBe(fold(b));
});
