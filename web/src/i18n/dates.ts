import { computed } from "@preact/signals";
import { digits, language, list, locale } from "./dictionary";

// Dates and times as the page's language writes them. Formatters are costly to make, so
// each is made once per language.

const formatter = (options: Intl.DateTimeFormatOptions) =>
  computed(() => new Intl.DateTimeFormat(locale.value, { calendar: "gregory", ...options }));

const times = formatter({ hour: "numeric", minute: "2-digit" });
const days = formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDays = formatter({ weekday: "short", day: "numeric", month: "short" });
const numericDays = formatter({ day: "numeric", month: "numeric", year: "numeric" });

// The calendar of Umm al-Qura, which ministries of the region date their letters by.
const hijriDays = computed(() => {
  const tag = language.value === "ar" ? `ar-u-nu-${digits.value}` : locale.value;
  return new Intl.DateTimeFormat(tag, { calendar: "islamic-umalqura", day: "numeric", month: "long", year: "numeric" });
});

/** "14:30", or as the language says it. */
export const time = (at: number) => times.value.format(at);
/** "Tuesday, 24 November 2026". */
export const day = (at: number) => days.value.format(at);
/** "Tue, 24 Nov". */
export const shortDay = (at: number) => shortDays.value.format(at);
/** "24/11/2026". */
export const numericDay = (at: number) => numericDays.value.format(at);
/** The same day in the Hijri calendar: "14 Jumada II 1448 AH". */
export const hijri = (at: number) => hijriDays.value.format(at);
/** "14:30 – 15:15". */
export const timeRange = (from: number, to: number) => times.value.formatRange(from, to);

/** The start of the local day that is `offset` days after the one of `at`. */
export function startOfDay(at: number, offset = 0): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + offset).getTime();
}

/** True if both moments lie in one local day. */
export const sameDay = (a: number, b: number) => startOfDay(a) === startOfDay(b);

const relative = computed(() => new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" }));

/** "Today", "Tomorrow", "Yesterday", or undefined for other days. */
export function dayWord(at: number, now: number): string | undefined {
  const difference = Math.round((startOfDay(at) - startOfDay(now)) / 86_400_000);
  if (Math.abs(difference) > 1) return undefined;
  const word = relative.value.format(difference, "day");
  return word.charAt(0).toLocaleUpperCase() + word.slice(1); // it stands alone
}

/** "in 12 minutes", "3 hours ago"; to be read, not computed with. */
export function fromNow(at: number, now: number): string {
  const minutes = Math.round((at - now) / 60_000);
  if (Math.abs(minutes) < 60) return relative.value.format(minutes, "minute");
  const hours = Math.round(minutes / 60);
  if (Math.abs(hours) < 24) return relative.value.format(hours, "hour");
  return relative.value.format(Math.round((startOfDay(at) - startOfDay(now)) / 86_400_000), "day");
}

/** "45 seconds", "3 minutes": a wait in whole seconds, in words and rounded up. */
export function duration(seconds: number): string {
  const inMinutes = seconds >= 90;
  const format = new Intl.NumberFormat(locale.value, { style: "unit", unit: inMinutes ? "minute" : "second", unitDisplay: "long" });
  return format.format(inMinutes ? Math.ceil(seconds / 60) : seconds);
}

/** "45 minutes", "1 hour and 30 minutes": a planned length in minutes. */
export function length(minutes: number): string {
  const unit = (value: number, of: "hour" | "minute") =>
    new Intl.NumberFormat(locale.value, { style: "unit", unit: of, unitDisplay: "long" }).format(value);
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const parts = [...(hours > 0 ? [unit(hours, "hour")] : []), ...(rest > 0 || hours === 0 ? [unit(rest, "minute")] : [])];
  return list(parts);
}

/** The local time zone as the language names it for short: "GMT+3". */
export function zone(at: number): string {
  const parts = new Intl.DateTimeFormat(locale.value, { timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}
