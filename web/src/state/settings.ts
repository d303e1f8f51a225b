import { computed, effect, signal } from "@preact/signals";
import { type Digits, digits, direction, type Language, language, languages } from "../i18n/dictionary";

export type Theme = "light" | "dark" | "system";
export const themes: readonly Theme[] = ["light", "dark", "system"];

export const theme = signal<Theme>("light");

const systemDark = signal(false);

/** True if the page is dark now. */
export const isDark = computed(() => theme.value === "dark" || (theme.value === "system" && systemDark.value));

// The key and the shape are also known to public/boot.js, which runs before the first paint.
const key = "tarasul.settings";

interface Saved {
  language?: unknown;
  theme?: unknown;
  digits?: unknown;
}

/** Takes the person's choices from this browser and keeps page and storage in step with them. */
export function keepSettings(): void {
  const saved = read();
  if (languages.includes(saved.language as Language)) language.value = saved.language as Language;
  if (themes.includes(saved.theme as Theme)) theme.value = saved.theme as Theme;
  if (saved.digits === "arab" || saved.digits === "latn") digits.value = saved.digits satisfies Digits;

  const dark = matchMedia("(prefers-color-scheme: dark)");
  systemDark.value = dark.matches;
  dark.addEventListener("change", () => {
    systemDark.value = dark.matches;
  });

  effect(() => {
    const root = document.documentElement;
    root.lang = language.value;
    root.dir = direction.value;
    root.dataset["theme"] = isDark.value ? "dark" : "light";
  });
  effect(() => {
    const choices = JSON.stringify({ language: language.value, theme: theme.value, digits: digits.value });
    try {
      localStorage.setItem(key, choices);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
  });
}

function read(): Saved {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
