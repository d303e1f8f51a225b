import { ArrowLeft, CircleSlash, DoorOpen, Hourglass, Languages, Lock, MonitorSmartphone, Users, Video, VideoOff, Mic, MicOff } from "lucide";
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { time } from "../i18n/dates";
import { language, languageNames, languages, list, pick } from "../i18n/dictionary";
import { paths } from "../router";
import type { Meeting, PersonID } from "../protocol.gen";
import { nameOf, people } from "../state/directory";
import { socket } from "../state/connection";
import { t as frame } from "../texts";
import { BrandMark } from "../ui/brand";
import { Button, ButtonLink } from "../ui/button";
import { faultCode, faultText } from "../ui/fault";
import { Icon } from "../ui/icon";
import { Menu } from "../ui/menu";
import { useTitle } from "../ui/page";
import { Avatar, PersonName, PersonPlace } from "../ui/person";
import { Loading } from "../ui/states";
import { DeviceFields } from "./devices";
import { Picture } from "./picture";
import type { Ending, MeetingSession } from "./session";
import { t } from "./texts";

/** The frame of all that comes before and after the meeting. */
function Gate({ title, wide = false, children }: { title: string; wide?: boolean; children: ComponentChildren }) {
  useTitle(title);
  const main = useRef<HTMLElement>(null);
  useEffect(() => main.current?.querySelector("h1")?.focus(), [title]);
  const status = socket.status.value;
  return (
    <div class="gate">
      <header class="gate-head">
        <a class="gate-brand" href={paths.home}>
          <BrandMark size={28} />
          <Icon of={ArrowLeft} size={18} directional />
          <span>{t("home")}</span>
        </a>
        <LanguageMenu />
      </header>
      <main ref={main} id="content" class={wide ? "gate-main gate-wide" : "gate-main"}>
        {(status === "reconnecting" || status === "offline") && (
          <p class="gate-offline" role="status">
            {status === "offline" ? frame("offline") : frame("reconnecting")}
          </p>
        )}
        {status === "outdated" && (
          <p class="gate-offline" role="alert">
            <span>{frame("outdated")}</span>
            <Button size="small" onClick={() => location.reload()}>
              {frame("reload")}
            </Button>
          </p>
        )}
        {children}
      </main>
    </div>
  );
}

function LanguageMenu() {
  return (
    <Menu
      label={t("language")}
      items={languages.map((each) => ({
        label: languageNames[each],
        lang: each,
        checked: each === language.value,
        onSelect: () => {
          language.value = each;
        },
      }))}
    >
      <Icon of={Languages} />
    </Menu>
  );
}

/** While the card is being fetched, and when it cannot be. */
export function Looking({ session }: { session: MeetingSession }) {
  const fault = session.fault.value;
  return (
    <Gate title={t("meeting")}>
      {fault ? (
        <Message icon={CircleSlash} title={t("look_failed")} code={faultCode(fault)} actions={<Button kind="primary" onClick={() => void session.look()}>{t("try_again")}</Button>}>
          {faultText(fault)}
        </Message>
      ) : (
        <Loading label={t("looking")} />
      )}
    </Gate>
  );
}

/** Before joining: how one looks and sounds, who is inside, and the door. */
export function Prejoin({ session }: { session: MeetingSession }) {
  const looked = session.looked.value!;
  const { meeting } = looked;
  const title = pick(meeting.title);
  const joining = session.phase.value === "joining";
  const fault = session.fault.value;
  const asks = !isInvited(meeting, session.me);
  return (
    <Gate title={title} wide>
      <div class="prejoin">
        <section class="prejoin-look" aria-label={t("preview")}>
          <Preview session={session} />
        </section>
        <section class="prejoin-card card">
          <p class="prejoin-kicker">{t("prejoin")}</p>
          <h1 tabIndex={-1}>
            <bdi>{title}</bdi>
          </h1>
          {meeting.locked && !meeting.may_manage && (
            <p class="prejoin-note">
              <Icon of={Lock} size={18} />
              <span>{t("locked_note")}</span>
            </p>
          )}
          {asks && (
            <p class="prejoin-note">
              <Icon of={Hourglass} size={18} />
              <span>{t("lobby_note")}</span>
            </p>
          )}
          <Inside seated={looked.seated ?? []} />
          <div class="prejoin-me">
            <span class="prejoin-as">{t("joining_as")}</span>
            <Avatar id={session.me} />
            <span class="prejoin-name">
              <strong>
                <PersonName id={session.me} />
              </strong>
              <PersonPlace id={session.me} />
            </span>
          </div>
          {fault && (
            <p class="prejoin-fault" role="alert">
              {faultText(fault)} <small>{faultCode(fault)}</small>
            </p>
          )}
          <Button kind="primary" busy={joining} icon={DoorOpen} onClick={() => void session.join()}>
            {joining ? t("joining") : asks ? t("ask_to_join") : t("join")}
          </Button>
        </section>
        <section class="prejoin-devices" aria-label={t("devices_title")}>
          <DeviceFields session={session} />
        </section>
      </div>
    </Gate>
  );
}

/** Whether the person enters without asking; the server decides, this only words the button. */
function isInvited(meeting: Meeting, me: PersonID): boolean {
  const unit = people.value.get(me)?.unit;
  return (
    meeting.may_manage ||
    meeting.chair === me ||
    meeting.created_by === me ||
    meeting.people.includes(me) ||
    (unit !== undefined && meeting.units.includes(unit))
  );
}

/** One's own picture as others will see it, mirrored, and the two switches. */
function Preview({ session }: { session: MeetingSession }) {
  const { camera, microphone } = session.capture;
  const micOn = session.microphoneOn.value && microphone.track.value !== undefined;
  const cameraOn = session.cameraOn.value && camera.track.value !== undefined;
  const starting = session.cameraOn.value && !camera.track.value && !camera.trouble.value;
  return (
    <div class="preview" data-surface="dark">
      {cameraOn ? (
        <Picture track={camera.track.value} mirrored />
      ) : (
        <div class="preview-off">
          <Avatar id={session.me} size="huge" />
          <p>{starting ? t("camera_starting") : t("camera_is_off")}</p>
        </div>
      )}
      <div class="preview-bar">
        <Switch on={micOn} icons={[Mic, MicOff]} labels={[t("turn_off_microphone"), t("turn_on_microphone")]} onPress={() => void session.toggleMicrophone(!micOn)} />
        <Switch on={cameraOn} icons={[Video, VideoOff]} labels={[t("turn_off_camera"), t("turn_on_camera")]} onPress={() => void session.toggleCamera(!cameraOn)} />
      </div>
    </div>
  );
}

interface SwitchProps {
  on: boolean;
  icons: [IconNode, IconNode];
  labels: [string, string];
  onPress: () => void;
}

function Switch({ on, icons, labels, onPress }: SwitchProps) {
  const label = labels[on ? 0 : 1];
  return (
    <button type="button" class={on ? "switch" : "switch switch-off"} aria-label={label} title={label} onClick={onPress}>
      <Icon of={icons[on ? 0 : 1]} size={22} />
    </button>
  );
}

/** Who is inside, by a few names and a number. */
function Inside({ seated }: { seated: readonly PersonID[] }) {
  const named = seated.slice(0, 3).map(nameOf).filter((name) => name !== "");
  const rest = seated.length - named.length;
  const names = rest > 0 ? [...named, t("and_more", { count: rest })] : named;
  return (
    <div class="prejoin-inside">
      <Icon of={Users} size={18} />
      <div>
        <p>{seated.length === 0 ? t("inside_none") : t("inside", { count: seated.length })}</p>
        {named.length > 0 && <p class="quiet">{rest > 0 ? names.join(language.value === "ar" ? "، " : ", ") : list(names)}</p>}
      </div>
    </div>
  );
}

/** In the lobby. */
export function WaitingRoom({ session }: { session: MeetingSession }) {
  const meeting = session.looked.value?.meeting;
  return (
    <Gate title={t("waiting_title")}>
      <div class="message card" role="status">
        <span class="message-icon">
          <Icon of={Hourglass} size={32} />
        </span>
        <p class="prejoin-kicker">
          <bdi>{pick(meeting?.title)}</bdi>
        </p>
        <h1 tabIndex={-1}>{t("waiting_title")}</h1>
        <p>{t("waiting_why", { name: nameOf(meeting?.chair ?? "") })}</p>
        <p class="quiet">{t("waiting_auto")}</p>
        <div class="waiting-preview">
          <Preview session={session} />
        </div>
        <div class="message-actions">
          <Button onClick={() => session.leave()}>{t("stop_waiting")}</Button>
        </div>
      </div>
    </Gate>
  );
}

interface MessageProps {
  icon: IconNode;
  title: string;
  code?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

function Message({ icon, title, code, actions, children }: MessageProps) {
  return (
    <div class="message card" role="status">
      <span class="message-icon">
        <Icon of={icon} size={32} />
      </span>
      <h1 tabIndex={-1}>{title}</h1>
      <div class="message-text">{children}</div>
      <div class="message-actions">
        {actions}
        <ButtonLink href={paths.home}>{t("home")}</ButtonLink>
      </div>
      {code && <small class="quiet">{code}</small>}
    </div>
  );
}

interface Words {
  icon: IconNode;
  title: string;
  more: string;
  /** What the button that tries again says; without it there is no use in trying. */
  again?: string;
}

function wordsOf(why: Ending, by: string): Words {
  switch (why) {
    case "left":
      return { icon: DoorOpen, title: t("over_left"), more: t("over_left_more"), again: t("come_back") };
    case "ended":
    case "meeting_ended":
      return { icon: DoorOpen, title: t("over_ended"), more: [by && t("over_ended_by", { name: by }), t("over_ended_more")].filter(Boolean).join(" ") };
    case "removed":
      return { icon: CircleSlash, title: t("over_removed"), more: t("over_removed_more") };
    case "refused":
    case "entry_refused":
      return { icon: CircleSlash, title: t("over_refused"), more: t("over_refused_more") };
    case "taken_over":
      return { icon: MonitorSmartphone, title: t("over_taken"), more: t("over_taken_more"), again: t("use_here") };
    case "full":
    case "meeting_full":
      return { icon: Users, title: t("over_full"), more: t("over_full_more"), again: t("try_again") };
    case "meeting_locked":
      return { icon: Lock, title: t("over_locked"), more: t("over_locked_more"), again: t("try_again") };
    case "meeting_not_open":
      return { icon: Hourglass, title: t("over_not_open"), more: t("over_not_open_more"), again: t("try_again") };
    default:
      return { icon: CircleSlash, title: t("over_unknown"), more: t("over_unknown_more") };
  }
}

/** After the meeting, or where the door stays shut: what happened and what to do. */
export function Over({ session }: { session: MeetingSession }) {
  const ending = session.ending.value!;
  const { icon, title, more, again } = wordsOf(ending.why, ending.by ? nameOf(ending.by) : "");
  const { meeting } = session.looked.value ?? {};
  const early = ending.why === "meeting_not_open" && meeting && meeting.starts > Date.now();
  return (
    <Gate title={title}>
      <Message
        icon={icon}
        title={title}
        actions={
          again && (
            <Button kind="primary" onClick={() => void session.again()}>
              {again}
            </Button>
          )
        }
      >
        {meeting && (
          <p class="quiet">
            <bdi>{pick(meeting.title)}</bdi>
            {early && <> · {time(meeting.starts)}</>}
          </p>
        )}
        <p>{more}</p>
      </Message>
    </Gate>
  );
}
