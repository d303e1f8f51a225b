import { useSignal } from "@preact/signals";
import { Compass } from "lucide";
import { useEffect } from "preact/hooks";
import { lazy } from "./lazy";
import { SignInPage } from "./pages/sign-in";
import { pick } from "./i18n/dictionary";
import type { Meeting } from "./protocol.gen";
import { navigate, paths, type Route, route } from "./router";
import { socket } from "./state/connection";
import { nameOf } from "./state/directory";
import { invitation } from "./state/meetings";
import { demo, loadSession, me, session, sessionFault } from "./state/session";
import { Shell } from "./shell";
import { t } from "./texts";
import { Button, ButtonLink } from "./ui/button";
import { Page } from "./ui/page";
import { Banner, EmptyState, ErrorState, Loading } from "./ui/states";
import { announce, Toasts } from "./ui/toast";

const HomePage = lazy(async () => (await import("./pages/home")).HomePage);
const EnrolPage = lazy(async () => (await import("./pages/enrol")).EnrolPage);
const PasswordPage = lazy(async () => (await import("./pages/password")).PasswordPage);
const MessagesPage = lazy<{ person?: string }>(async () => (await import("./pages/messages")).MessagesPage);
const PeoplePage = lazy(async () => (await import("./pages/people")).PeoplePage);
const SettingsPage = lazy(async () => (await import("./pages/settings")).SettingsPage);
const MeetingPage = lazy<{ id: string }>(async () => (await import("./meeting/page")).MeetingPage);

/** The whole page: banners, what the address and the sign-in call for, and notices. */
export function App() {
  return (
    <div class="frame">
      {demo.value && <Banner kind="alert">{t("demonstration")}</Banner>}
      {route.value.page !== "meeting" && <ConnectionBanner />}
      {route.value.page !== "meeting" && me.value && invitation.value && <InvitationBanner meeting={invitation.value} />}
      <Content />
      <Toasts />
    </div>
  );
}

function Content() {
  const info = session.value;
  const at = route.value;
  if (info === undefined) {
    const fault = sessionFault.value;
    return <main class="frame-middle">{fault ? <ErrorState fault={fault} onRetry={() => void loadSession()} /> : <Loading label={t("connecting")} />}</main>;
  }
  if (at.page === "enrol" && info.you === undefined) return <EnrolPage />;
  if (info.you === undefined) return <SignInPage />;
  if (info.change_password) return <PasswordPage />;
  if (me.value === undefined) return <Loading />;
  if (at.page === "meeting") return <MeetingPage key={at.id} id={at.id} />;
  return (
    <Shell>
      <Member at={at} />
    </Shell>
  );
}

function Member({ at }: { at: Exclude<Route, { page: "meeting" }> }) {
  // Whoever signs in on /sign-in itself, or opens an old link to a first step, goes home.
  const past = at.page === "sign-in" || at.page === "enrol" || at.page === "password";
  useEffect(() => {
    if (past) navigate(paths.home, { replace: true });
  }, [past]);
  switch (at.page) {
    case "home":
      return <HomePage />;
    case "messages":
      return <MessagesPage {...(at.person === undefined ? {} : { person: at.person })} />;
    case "people":
      return me.value?.role === "administrator" ? <PeoplePage /> : <NotFoundPage />;
    case "settings":
      return <SettingsPage />;
    case "not-found":
      return <NotFoundPage />;
    case "sign-in":
    case "enrol":
    case "password":
      return null;
  }
}

function NotFoundPage() {
  return (
    <Page title={t("not_found")} titleUnseen>
      <EmptyState icon={Compass} title={t("not_found")} action={<ButtonLink href={paths.home}>{t("to_home")}</ButtonLink>}>
        {t("not_found_text")}
      </EmptyState>
    </Page>
  );
}

/** A meeting has opened to which the person is invited. */
function InvitationBanner({ meeting }: { meeting: Meeting }) {
  return (
    <Banner
      kind="info"
      live
      action={
        <>
          <ButtonLink href={paths.meeting(meeting.id)} kind="primary" size="small">
            {t("join")}
          </ButtonLink>
          <Button
            kind="quiet"
            size="small"
            onClick={() => {
              invitation.value = undefined;
            }}
          >
            {t("not_now")}
          </Button>
        </>
      }
    >
      {t("invitation", { title: pick(meeting.title), name: nameOf(meeting.chair) })}
    </Banner>
  );
}

const patience = 1_500; // ms: a break that heals at once is not worth a word

/** Says in words that the connection is lost, and that it is being restored. */
function ConnectionBanner() {
  const status = socket.status.value;
  const lost = status === "reconnecting" || status === "offline";
  const shown = useSignal(false);
  useEffect(() => {
    if (!lost) {
      if (shown.value && status === "connected") announce(t("reconnected"));
      shown.value = false;
      return;
    }
    const timer = setTimeout(() => {
      shown.value = true;
    }, patience);
    return () => clearTimeout(timer);
  }, [lost]);
  if (status === "outdated") {
    return (
      <Banner
        kind="danger"
        live
        action={
          <Button size="small" onClick={() => location.reload()}>
            {t("reload")}
          </Button>
        }
      >
        {t("outdated")}
      </Banner>
    );
  }
  if (!lost || !shown.value) return null;
  return (
    <Banner kind="info" live>
      {status === "offline" ? t("offline") : t("reconnecting")}
    </Banner>
  );
}

/** Fetches what the person will most likely open next, once the browser is idle. */
export function fetchAhead(): void {
  const soon = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 500));
  soon(() => {
    HomePage.fetch();
    MessagesPage.fetch();
  });
}
