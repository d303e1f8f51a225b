import { useComputed, type ReadonlySignal } from "@preact/signals";
import {
  ChartColumn,
  Ellipsis,
  Grid3x3,
  Hand,
  Keyboard,
  Maximize,
  MessageSquare,
  Mic,
  MicOff,
  Minimize,
  MonitorUp,
  MonitorX,
  PhoneOff,
  PictureInPicture2,
  RectangleHorizontal,
  Settings2,
  Users,
  Video,
  VideoOff,
} from "lucide";
import type { IconNode } from "lucide";
import { language, languageNames, languages, number } from "../i18n/dictionary";
import { Icon } from "../ui/icon";
import { Menu } from "../ui/menu";
import type { RoomState } from "./room";
import type { MeetingSession } from "./session";
import { t } from "./texts";

interface BarProps {
  session: MeetingSession;
  room: RoomState;
  unread: ReadonlySignal<number>;
}

/** The controls, in the same order everywhere. */
export function Bar({ session, room, unread }: BarProps) {
  const { capture, roster } = session;
  const hearing = session.sendsMicrophone.value;
  const seeing = session.sendsCamera.value;
  const sharing = session.shares.value;
  const mine = roster.mine.value;
  const hand = (mine?.hand ?? 0) > 0;
  const mayShare = roster.mayShare.value;
  const waiting = useComputed(() => roster.waiting.value.length);
  return (
    <div class="bar" role="toolbar" aria-label={t("controls")}>
      <Control
        icon={hearing ? Mic : MicOff}
        text={t("mic_short")}
        label={hearing ? t("turn_off_microphone") : t("turn_on_microphone")}
        tone={hearing ? (session.talking.value ? "active" : "plain") : "off"}
        shortcut="M"
        warn={capture.microphone.trouble.value !== undefined || (capture.microphone.stalled.value && hearing)}
        onPress={() => void session.toggleMicrophone(!hearing)}
      />
      <Control
        icon={seeing ? Video : VideoOff}
        text={t("camera_short")}
        label={seeing ? t("turn_off_camera") : t("turn_on_camera")}
        tone={seeing ? "plain" : "off"}
        shortcut="V"
        warn={capture.camera.trouble.value !== undefined || (capture.camera.stalled.value && seeing)}
        onPress={() => void session.toggleCamera(!seeing)}
      />
      <Control
        icon={sharing ? MonitorX : MonitorUp}
        text={t("share")}
        label={sharing ? t("stop_sharing") : mayShare ? t("share_screen") : t("share_not_allowed")}
        tone={sharing ? "active" : "plain"}
        shortcut="S"
        disabled={!sharing && !mayShare}
        onPress={() => void session.toggleScreen()}
      />
      <Control
        icon={Hand}
        text={t("hand")}
        label={hand ? t("lower_hand") : t("raise_hand")}
        tone={hand ? "active" : "plain"}
        shortcut="H"
        onPress={() => session.toggleHand()}
      />
      <Control
        icon={MessageSquare}
        text={t("chat")}
        label={unread.value > 0 ? t("chat_unread", { count: unread.value }) : t("chat")}
        tone="plain"
        open={room.panel.value === "chat"}
        badge={unread.value}
        shortcut="C"
        onPress={() => room.toggle("chat")}
      />
      <Control
        icon={Users}
        text={t("people")}
        label={t("people_count", { count: roster.seats.value.length })}
        tone="plain"
        open={room.panel.value === "people"}
        badge={waiting.value}
        count={roster.seats.value.length}
        shortcut="P"
        onPress={() => room.toggle("people")}
      />
      <More session={session} room={room} />
      <Control icon={PhoneOff} text={t("leave")} label={t("leave")} tone="leave" onPress={() => room.leave()} />
    </div>
  );
}

interface ControlProps {
  icon: IconNode;
  /** Drawn below the icon where there is room. */
  text: string;
  label: string;
  tone: "plain" | "off" | "active" | "leave";
  shortcut?: string;
  /** Set for a button that opens a panel: whether it is open. */
  open?: boolean;
  /** Something waits there. */
  badge?: number;
  count?: number;
  warn?: boolean;
  disabled?: boolean;
  onPress: () => void;
}

function Control({ icon, text, label, tone, shortcut, open, badge = 0, count, warn = false, disabled = false, onPress }: ControlProps) {
  return (
    <button
      type="button"
      class={`control control-${tone}${open ? " control-open" : ""}`}
      aria-label={label}
      aria-expanded={open}
      aria-keyshortcuts={shortcut}
      aria-disabled={disabled || undefined}
      title={shortcut ? `${label} (${shortcut})` : label}
      onClick={() => {
        if (!disabled) onPress();
      }}
    >
      <span class="control-icon">
        <Icon of={icon} size={22} />
        {badge > 0 && <span class="control-badge">{number(badge)}</span>}
        {badge === 0 && count !== undefined && <span class="control-count">{number(count)}</span>}
        {warn && <span class="control-warn">!</span>}
      </span>
      <span class="control-text">{text}</span>
    </button>
  );
}

/** What is used rarely. */
function More({ session, room }: { session: MeetingSession; room: RoomState }) {
  const speakerView = session.stage.value.mode === "speaker";
  const full = room.fullScreen.value;
  return (
    <Menu
      label={t("more")}
      buttonClass="control control-plain"
      items={[
        { label: t("devices"), icon: Settings2, onSelect: () => (room.dialog.value = "devices") },
        "rule",
        { label: t("view_grid"), icon: Grid3x3, checked: !speakerView, onSelect: () => session.setMode("grid") },
        { label: t("view_speaker"), icon: RectangleHorizontal, checked: speakerView, onSelect: () => session.setMode("speaker") },
        ...(session.pip.possible
          ? [{ label: t("pip"), icon: PictureInPicture2, checked: session.pip.open.value, onSelect: () => void session.pip.toggle() }]
          : []),
        ...(document.fullscreenEnabled
          ? [{ label: full ? t("leave_full_screen") : t("full_screen"), icon: full ? Minimize : Maximize, onSelect: () => room.toggleFullScreen() }]
          : []),
        "rule",
        { label: t("statistics"), icon: ChartColumn, onSelect: () => (room.figures.value = !room.figures.value) },
        { label: t("shortcuts"), icon: Keyboard, onSelect: () => (room.dialog.value = "keys") },
        "rule",
        ...languages.map((each) => ({
          label: languageNames[each],
          lang: each,
          checked: each === language.value,
          onSelect: () => {
            language.value = each;
          },
        })),
      ]}
    >
      <span class="control-icon">
        <Icon of={Ellipsis} size={22} />
      </span>
      <span class="control-text" aria-hidden="true">
        {t("more")}
      </span>
    </Menu>
  );
}
