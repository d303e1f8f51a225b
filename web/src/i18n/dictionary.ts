import { computed, signal } from "@preact/signals";
import type { Multilingual } from "../protocol.gen";

export type Language = "ar" | "en" | "fr";
export const languages: readonly Language[] = ["ar", "en", "fr"];

/** The languages' own names for themselves, as a chooser shows them. */
export const languageNames: Record<Language, string> = { ar: "العربية", en: "English", fr: "Français" };

/** Which digits numbers and dates are written with; only Arabic has a choice. */
export type Digits = "arab" | "latn";

/** The language of the page. Whatever reads it while rendering changes with it at once. */
export const language = signal<Language>("ar");
export const digits = signal<Digits>("arab");

/** The direction that the language is written in. */
export const direction = computed<"rtl" | "ltr">(() => (language.value === "ar" ? "rtl" : "ltr"));

/** The BCP 47 tag for Intl, digits included. */
export const locale = computed(() => {
  switch (language.value) {
    case "ar":
      return `ar-u-nu-${digits.value}`;
    case "en":
      return "en-GB";
    case "fr":
      return "fr-FR";
  }
});

/** A text that depends on a number, `{count}`; the categories are those of Intl.PluralRules. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type Text = string | Plural;
export type Entry = Record<Language, Text>;

type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type NamesOf<T> = T extends string ? Names<T> : T extends { other: infer O } ? Names<O> | "count" : never;
type Values<E extends Entry> = { [N in NamesOf<E["en"]>]: string | number };
type Arguments<E extends Entry> = [NamesOf<E["en"]>] extends [never] ? [] : [values: Values<E>];

export interface Dictionary<D extends Record<string, Entry>> {
  /** The text in the page's language, with its {names} filled in; numbers in the page's digits. */
  <K extends keyof D & string>(key: K, ...values: Arguments<D[K]>): string;
  readonly entries: D;
}

/**
 * dictionary makes the texts of one part of the client. Each part has its own, so that a
 * lazily loaded page brings its texts along. Names in braces are typed from the English text.
 */
export function dictionary<const D extends Record<string, Entry>>(entries: D): Dictionary<D> {
  const look = <K extends keyof D & string>(key: K, ...rest: Arguments<D[K]>): string => {
    const entry = entries[key] as Entry;
    const values = rest[0] as Record<string, string | number> | undefined;
    const text = entry[language.value];
    return fill(typeof text === "string" ? text : choose(text, Number(values?.["count"] ?? 0)), values);
  };
  return Object.assign(look, { entries });
}

function choose(text: Plural, count: number): string {
  return text[plurals.value.select(count)] ?? text.other;
}

function fill(text: string, values?: Record<string, string | number>): string {
  if (values === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : isolate(value);
  });
}

// isolate keeps a value of the other direction from reordering the sentence around it
// (Unicode TR 9: FIRST STRONG ISOLATE ... POP DIRECTIONAL ISOLATE).
function isolate(value: string): string {
  return `\u2068${value}\u2069`;
}

const plurals = computed(() => new Intl.PluralRules(locale.value));
const numbers = computed(() => new Intl.NumberFormat(locale.value));

/** A number in the page's language and digits. */
export function number(value: number): string {
  return numbers.value.format(value);
}

/** Names in a sentence: "a, b and c". */
export function list(items: readonly string[]): string {
  return new Intl.ListFormat(locale.value, { type: "conjunction" }).format(items);
}

/** A name in the page's language, or in the language it has. */
export function pick(name: Multilingual | undefined): string {
  if (name === undefined) return "";
  const order: Language[] = [language.value, ...(language.value === "fr" ? (["en", "ar"] as const) : (["ar", "en", "fr"] as const))];
  for (const each of order) {
    const text = name[each];
    if (text) return text;
  }
  return name.fr ?? "";
}

const collators = computed(() => new Intl.Collator(locale.value, { sensitivity: "base", numeric: true }));

/** Compares two texts as the page's language sorts them. */
export function collate(a: string, b: string): number {
  return collators.value.compare(a, b);
}

// foldable are the marks of NFD (Latin accents), Arabic vowel signs and tatweel.
const foldable = /[\u0300-\u036f\u064b-\u065f\u0670\u0640]/g;

/** A text as a search compares it: no case, no accents or vowel signs, one alef, ya and ha. */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(foldable, "")
    .toLocaleLowerCase()
    .replace(/[أإآٱ]/g, "ا")
    .replace(/ى/g, "ي")
    .replace(/ة/g, "ه")
    .replace(/ؤ/g, "و")
    .replace(/ئ/g, "ي");
}
