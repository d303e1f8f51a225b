import { Moon, Sun } from "lucide";
import type { ComponentChildren } from "preact";
import { language, languageNames, languages } from "../i18n/dictionary";
import { isDark, theme } from "../state/settings";
import { t as frame } from "../texts";
import { BrandMark } from "../ui/brand";
import { Icon } from "../ui/icon";
import { useTitle } from "../ui/page";
import { t } from "./entry-texts";
import "./entry.css";

interface EntryProps {
  title: string;
  children: ComponentChildren;
}

/** The frame of the first steps: who we are, the languages, and one form. */
export function Entry({ title, children }: EntryProps) {
  useTitle(title);
  return (
    <div class="entry">
      <header class="entry-side">
        <BrandMark size={72} />
        <p class="entry-name">{frame("name")}</p>
        <p class="entry-motto">{t("motto")}</p>
      </header>
      <div class="entry-main">
        <section class="entry-tools" aria-label={frame("language")}>
          {languages.map((each) => (
            <button
              key={each}
              type="button"
              class="entry-tool"
              lang={each}
              aria-pressed={language.value === each}
              onClick={() => {
                language.value = each;
              }}
            >
              {languageNames[each]}
            </button>
          ))}
          <button
            type="button"
            class="entry-tool"
            aria-label={isDark.value ? frame("use_light") : frame("use_dark")}
            title={isDark.value ? frame("use_light") : frame("use_dark")}
            onClick={() => {
              theme.value = isDark.value ? "light" : "dark";
            }}
          >
            <Icon of={isDark.value ? Sun : Moon} />
          </button>
        </section>
        <main id="content" class="entry-form">
          <h1>{title}</h1>
          {children}
        </main>
      </div>
    </div>
  );
}
