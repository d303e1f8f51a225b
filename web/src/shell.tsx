import { CalendarDays, LogOut, MessageSquare, Moon, Settings, Sun, Users } from "lucide";
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { language, languageNames, languages, number, pick } from "./i18n/dictionary";
import { navigate, paths, type Route, route } from "./router";
import { unreadTotal } from "./state/chats";
import { isAdministrator, me, signOut } from "./state/session";
import { isDark, theme } from "./state/settings";
import { t } from "./texts";
import { BrandMark } from "./ui/brand";
import { Icon } from "./ui/icon";
import { Menu } from "./ui/menu";
import { Avatar } from "./ui/person";
import { toastFault } from "./ui/toast";
import "./shell.css";

/** The frame of every page but the meeting: where one is, where one can go, who one is. */
export function Shell({ children }: { children: ComponentChildren }) {
  const you = me.value!;
  const dark = isDark.value;
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={skip}>
        {t("skip")}
      </a>
      <header class="shell-head">
        <a class="shell-brand" href={paths.home}>
          <BrandMark size={30} />
          <span>{t("name")}</span>
        </a>
        <Sections />
        <Menu
          label={t("account", { name: pick(you.name) })}
          buttonClass="shell-account"
          items={[
            { label: t("settings"), icon: Settings, onSelect: () => navigate(paths.settings) },
            {
              label: dark ? t("use_light") : t("use_dark"),
              icon: dark ? Sun : Moon,
              onSelect: () => {
                theme.value = dark ? "light" : "dark";
              },
            },
            "rule",
            ...languages.map((each) => ({
              label: languageNames[each],
              lang: each,
              checked: each === language.value,
              onSelect: () => {
                language.value = each;
              },
            })),
            "rule",
            { label: t("sign_out"), icon: LogOut, onSelect: () => void signOut("here").catch(toastFault) },
          ]}
        >
          <Avatar id={you.id} size="small" />
          <bdi class="shell-account-name">{pick(you.name)}</bdi>
        </Menu>
      </header>
      <div class="shell-content">{children}</div>
    </div>
  );
}

// skip moves the focus itself: the address belongs to the router.
function skip(event: MouseEvent): void {
  event.preventDefault();
  const heading = document.querySelector<HTMLElement>("#content h1");
  heading?.focus();
  heading?.scrollIntoView();
}

function Sections() {
  const unread = unreadTotal.value;
  return (
    <nav class="shell-nav" aria-label={t("navigation")}>
      <Section to={paths.home} page="home" icon={CalendarDays} label={t("meetings")} />
      <Section to={paths.messages()} page="messages" icon={MessageSquare} label={t("messages")} unread={unread} />
      {isAdministrator.value && <Section to={paths.people} page="people" icon={Users} label={t("people")} />}
    </nav>
  );
}

interface SectionProps {
  to: string;
  page: Route["page"];
  icon: IconNode;
  label: string;
  unread?: number;
}

function Section({ to, page, icon, label, unread = 0 }: SectionProps) {
  return (
    <a class="shell-section" href={to} aria-current={route.value.page === page ? "page" : undefined}>
      <Icon of={icon} />
      <span>{label}</span>
      {unread > 0 && (
        <span class="badge figures">
          <span aria-hidden="true">{number(unread)}</span>
          <span class="unseen">{t("unread", { count: unread })}</span>
        </span>
      )}
    </a>
  );
}
