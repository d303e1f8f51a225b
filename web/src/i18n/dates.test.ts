import { afterEach, expect, it } from "vitest";
import { day, dayWord, duration, fromNow, hijri, length, numericDay, sameDay, startOfDay, time } from "./dates";
import { digits, language } from "./dictionary";

afterEach(() => {
  language.value = "ar";
  digits.value = "arab";
});

const at = new Date(2026, 10, 24, 14, 30).getTime(); // Tuesday
const hour = 3_600_000;

it("writes the Gregorian and the Hijri day in Arabic with Arabic-Indic digits", () => {
  expect(day(at)).toBe("الثلاثاء، ٢٤ نوفمبر ٢٠٢٦");
  expect(hijri(at)).toMatch(/^١٤ جمادى الآخرة ١٤٤٨/);
});

it("writes Latin digits in Arabic if the person chose them", () => {
  digits.value = "latn";
  expect(day(at)).toBe("الثلاثاء، 24 نوفمبر 2026");
  expect(hijri(at)).toMatch(/^14 جمادى الآخرة 1448/);
});

it("writes the day in English and French", () => {
  language.value = "en";
  expect(day(at)).toMatch(/^Tuesday,? 24 November 2026$/);
  expect(hijri(at)).toMatch(/^14 Jumada II 1448/);
  expect(time(at)).toBe("14:30");
  expect(numericDay(at)).toBe("24/11/2026");
  language.value = "fr";
  expect(day(at)).toBe("mardi 24 novembre 2026");
  expect(hijri(at)).toMatch(/1448/);
});

it("knows days by the local clock, over month ends too", () => {
  expect(startOfDay(at)).toBe(new Date(2026, 10, 24).getTime());
  expect(startOfDay(at, 7)).toBe(new Date(2026, 11, 1).getTime());
  expect(sameDay(startOfDay(at), startOfDay(at, 1) - 1)).toBe(true);
  expect(sameDay(at, startOfDay(at, 1))).toBe(false);
});

it("says today, tomorrow and yesterday in words, and nothing for other days", () => {
  language.value = "en";
  expect([-1, 0, 1].map((offset) => dayWord(startOfDay(at, offset), at))).toEqual(["Yesterday", "Today", "Tomorrow"]);
  expect(dayWord(startOfDay(at, 2), at)).toBeUndefined();
});

it("says how far off a moment is", () => {
  language.value = "en";
  expect(fromNow(at + 12 * 60_000, at)).toBe("in 12 minutes");
  expect(fromNow(at + 3 * hour, at)).toBe("in 3 hours");
  expect(fromNow(startOfDay(at, 3), at)).toBe("in 3 days");
});

it("says waits and lengths in words", () => {
  language.value = "en";
  expect(duration(45)).toBe("45 seconds");
  expect(duration(100)).toBe("2 minutes");
  expect(length(45)).toBe("45 minutes");
  expect(length(90)).toBe("1 hour and 30 minutes");
  expect(length(120)).toBe("2 hours");
  language.value = "ar";
  expect(length(60)).toBe("ساعة");
});
