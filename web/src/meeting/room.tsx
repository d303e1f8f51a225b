import { signal, useComputed, useSignal, useSignalEffect, type ReadonlySignal, type Signal } from "@preact/signals";
import { Lock, MonitorUp, Volume2, X } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ChatPanel } from "../chat/ChatPanel";
import { pick } from "../i18n/dictionary";
import { conversation } from "../state/chats";
import { socket } from "../state/connection";
import { nameOf } from "../state/directory";
import { t as frame } from "../texts";
import { Button, IconButton } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { useTitle } from "../ui/page";
import { Bar } from "./bar";
import { DeviceDialog, troubleText } from "./devices";
import { Figures } from "./figures";
import { Keys } from "./keys";
import { KeySheet } from "./keys-sheet";
import { PeoplePanel } from "./people";
import { qualityText } from "./quality";
import type { MeetingSession } from "./session";
import { t } from "./texts";
import { Bars } from "./tile";
import { Tiles } from "./tiles";

export type Panel = "chat" | "people" | undefined;

/** What is open on this page; nothing of it is told to anybody. */
export class RoomState {
  readonly panel: Signal<Panel> = signal(undefined);
  readonly dialog = signal<"devices" | "keys" | "leave" | undefined>(undefined);
  readonly figures = signal(false);
  readonly fullScreen = signal(document.fullscreenElement !== null);

  constructor(private readonly session: MeetingSession) {}

  toggle(panel: "chat" | "people"): void {
    this.panel.value = this.panel.value === panel ? undefined : panel;
  }

  toggleFullScreen(): void {
    // Refused only where the browser forbids it: the page then stays as it is.
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    else void document.documentElement.requestFullscreen().catch(() => undefined);
  }

  /** Chairs are asked whether the meeting goes on; everyone else just leaves. */
  leave(): void {
    if (this.session.roster.chairing.value) this.dialog.value = "leave";
    else this.session.leave();
  }

  /** Closes the uppermost thing that is open. */
  escape(): void {
    if (this.figures.value) this.figures.value = false;
    else if (this.panel.value) this.panel.value = undefined;
    else {
      const { pin } = this.session.stage.value;
      if (pin) this.session.unpin();
    }
  }
}

const query = matchMedia("(max-width: 820px)"); // as in meeting.css
const narrow = signal(query.matches);
query.addEventListener("change", () => {
  narrow.value = query.matches;
});

/** The meeting itself. */
export function Room({ session }: { session: MeetingSession }) {
  const room = useMemo(() => new RoomState(session), [session]);
  const title = pick(session.roster.meeting.value?.title) || t("meeting");
  useTitle(title);
  useKeys(session, room);
  useEffect(() => {
    const changed = () => {
      room.fullScreen.value = document.fullscreenElement !== null;
    };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, [room]);
  // On a narrow window an open panel lies over the pictures: they need not be sent.
  useSignalEffect(() => session.view.cover(room.panel.value !== undefined && narrow.value));
  const unread = useUnread(session, room);
  const panel = room.panel.value;
  const dialog = room.dialog.value;
  const close = () => {
    room.dialog.value = undefined;
  };
  return (
    <div class={panel ? "room room-with-panel" : "room"} data-surface="dark">
      <main id="content" class="room-main">
        <Head session={session} title={title} />
        <Banners session={session} />
        <Tiles session={session} />
        <NoticeList session={session} />
      </main>
      {panel && (
        <Side title={panel === "chat" ? t("chat") : t("people")} onClose={() => (room.panel.value = undefined)} key={panel}>
          {panel === "chat" ? <ChatPanel thread={{ meeting: session.id }} /> : <PeoplePanel session={session} />}
        </Side>
      )}
      <footer class="room-foot">
        <Hints session={session} />
        <Bar session={session} room={room} unread={unread} />
      </footer>
      {room.figures.value && <Figures session={session} onClose={() => (room.figures.value = false)} />}
      {dialog === "devices" && <DeviceDialog session={session} onClose={close} />}
      {dialog === "keys" && <KeySheet onClose={close} />}
      {dialog === "leave" && <LeaveDialog session={session} onClose={close} />}
      <p class="unseen" aria-live="polite" role="status">
        {session.notices.spoken.value}
      </p>
    </div>
  );
}

function useKeys(session: MeetingSession, room: RoomState): void {
  useEffect(() => {
    const keys = new Keys({
      microphone: () => void session.toggleMicrophone(!session.sendsMicrophone.value),
      camera: () => void session.toggleCamera(!session.sendsCamera.value),
      share: () => {
        if (session.shares.value || session.roster.mayShare.value) void session.toggleScreen();
      },
      hand: () => session.toggleHand(),
      chat: () => room.toggle("chat"),
      people: () => room.toggle("people"),
      view: () => session.setMode(session.stage.value.mode === "grid" ? "speaker" : "grid"),
      fullScreen: () => room.toggleFullScreen(),
      statistics: () => (room.figures.value = !room.figures.value),
      sheet: () => (room.dialog.value = "keys"),
      admit: () => {
        const first = session.roster.waiting.value[0];
        if (first && session.roster.chairing.value) session.ask("meeting.admit", { person: first.person });
      },
      pin: (position) => {
        if (position === 0) return session.unpin();
        const seat = session.roster.seats.value.filter((other) => other.person !== session.me)[position - 1];
        if (seat) session.pin(seat.person, "camera");
      },
      escape: () => room.escape(),
      talk: (on) => session.talk(on),
    });
    return () => keys.close();
  }, [session, room]);
}

/** Counts what was written since the chat was last open, and announces it. */
function useUnread(session: MeetingSession, room: RoomState): ReadonlySignal<number> {
  const chat = useMemo(() => conversation({ meeting: session.id }), [session]);
  useEffect(() => {
    void chat.load();
    return socket.on("chat.message", ({ message }) => {
      if (message.thread.meeting !== session.id || message.from === session.me || room.panel.value === "chat") return;
      session.notices.announce(t("said_chat", { name: nameOf(message.from) }));
      void session.sounds.play("chat");
    });
  }, [chat, session, room]);
  return useComputed(() => (room.panel.value === "chat" ? 0 : chat.messages.value.filter((message) => chat.isNew(message, session.me)).length));
}

/** The title, whether the door is locked, and how the own connection is if it is not good. */
function Head({ session, title }: { session: MeetingSession; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const quality = session.statistics.value?.own.value;
  const bad = quality && quality.grade !== "good" && quality.cause !== "interrupted";
  return (
    <header class="room-head">
      <h1 ref={heading} tabIndex={-1}>
        <bdi>{title}</bdi>
      </h1>
      {session.roster.meeting.value?.locked && (
        <span class="room-chip" title={t("locked")}>
          <Icon of={Lock} size={16} />
          <span>{t("locked")}</span>
        </span>
      )}
      {session.shares.value && (
        <span class="room-chip room-sharing">
          <Icon of={MonitorUp} size={16} />
          <span>{t("you_are_sharing")}</span>
          <Button size="small" kind="quiet" onClick={() => void session.toggleScreen()}>
            {t("stop_sharing")}
          </Button>
        </span>
      )}
      {bad && (
        <span class="room-chip" role="status">
          <Bars of={quality} />
          <span>{qualityText(quality)}</span>
        </span>
      )}
    </header>
  );
}

/** Milliseconds after which an interruption is worth words. */
const WORTH_WORDS = 1000;

/** What is interrupted, and that it comes back by itself. */
function Banners({ session }: { session: MeetingSession }) {
  const words = useComputed(() => bannerText(session));
  const shown = useSignal("");
  const text = words.value;
  const spoke = useRef(false);
  useEffect(() => {
    if (text === "") {
      if (spoke.current) session.notices.announce(t("said_back"));
      spoke.current = false;
      shown.value = "";
      return;
    }
    if (shown.value !== "") {
      shown.value = text; // the words change while the banner stands
      return;
    }
    const timer = setTimeout(() => {
      spoke.current = true;
      shown.value = text;
    }, WORTH_WORDS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <>
      {shown.value && (
        <div class="room-banner" role="alert">
          <span class="room-turning" aria-hidden="true" />
          {shown.value}
        </div>
      )}
      {socket.status.value === "outdated" && (
        <div class="room-banner" role="alert">
          <span>{frame("outdated")}</span>
          <Button size="small" onClick={() => location.reload()}>
            {frame("reload")}
          </Button>
        </div>
      )}
      {session.playback.blocked.value && (
        <div class="room-banner room-hear" role="alert">
          <span>{t("tap_to_hear_why")}</span>
          <Button kind="primary" icon={Volume2} onClick={session.playback.resume}>
            {t("tap_to_hear")}
          </Button>
        </div>
      )}
    </>
  );
}

function bannerText(session: MeetingSession): string {
  const status = socket.status.value;
  const away = status === "reconnecting" || status === "offline";
  const media = session.connection.value?.state.value;
  if (status === "offline") return t("lost_network");
  if (away) return media === "connected" ? t("lost_socket") : t("lost_both");
  if (media === "interrupted") return t("lost_media");
  if (media === "connecting") return t("connecting_media");
  return "";
}

/** What one should know about one's own voice, just above the button that mends it. */
function Hints({ session }: { session: MeetingSession }) {
  const muted = session.levels.mutedSpeech.value;
  const trouble = (session.microphoneOn.value && troubleText(session, "microphone")) || (session.cameraOn.value && troubleText(session, "camera"));
  const words = session.talking.value ? t("talking_now") : trouble ? trouble : muted ? t("speaking_muted") : "";
  return (
    <p class={words ? "hint hint-shown" : "hint"} role="status">
      {words}
    </p>
  );
}

function NoticeList({ session }: { session: MeetingSession }) {
  return (
    <div class="room-notices" role="region" aria-label={t("notices")}>
      {session.notices.toasts.value.map((toast) => (
        <div key={toast.id} class={`room-notice room-notice-${toast.tone}`}>
          <p>{toast.text()}</p>
          {toast.action && (
            <Button
              size="small"
              kind="primary"
              onClick={() => {
                toast.action?.run();
                session.notices.dismiss(toast.id);
              }}
            >
              {toast.action.label()}
            </Button>
          )}
          <IconButton icon={X} iconSize={16} label={t("dismiss")} onClick={() => session.notices.dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}

interface SideProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** The panel beside the pictures; it takes the focus when it opens. */
function Side({ title, onClose, children }: SideProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
    };
  }, []);
  return (
    <aside class="side" aria-labelledby="side-title">
      <header class="side-head">
        <h2 ref={heading} id="side-title" tabIndex={-1}>
          {title}
        </h2>
        <IconButton icon={X} label={t("close_panel")} onClick={onClose} />
      </header>
      <div class="side-body">{children}</div>
    </aside>
  );
}

function LeaveDialog({ session, onClose }: { session: MeetingSession; onClose: () => void }) {
  return (
    <Dialog
      title={t("leave_title")}
      onClose={onClose}
      actions={
        <>
          <Button kind="danger" onClick={() => session.endForAll()}>
            {t("end_for_all")}
          </Button>
          <Button kind="primary" onClick={() => session.leave()}>
            {t("leave_only")}
          </Button>
        </>
      }
    >
      <p>{t("leave_more")}</p>
    </Dialog>
  );
}
