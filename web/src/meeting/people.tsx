import { useSignal } from "@preact/signals";
import { Check, Crown, EllipsisVertical, Hand, Mic, MicOff, MonitorUp, ShieldCheck, UserX, Video, VideoOff, WifiOff, X } from "lucide";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { time } from "../i18n/dates";
import { number } from "../i18n/dictionary";
import type { PersonID, Seat } from "../protocol.gen";
import { nameOf } from "../state/directory";
import { Button, IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { CheckField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Menu, type MenuItem } from "../ui/menu";
import { Avatar, PersonName, PersonPlace } from "../ui/person";
import type { MeetingSession } from "./session";
import { t } from "./texts";

interface Asked {
  readonly what: "remove" | "hand_over";
  readonly person: PersonID;
}

/** Who waits, who asks to speak, who is here; and what the chair may do about it. */
export function PeoplePanel({ session }: { session: MeetingSession }) {
  const asked = useSignal<Asked | undefined>(undefined);
  const { roster } = session;
  const chairing = roster.chairing.value;
  return (
    <div class="people-panel">
      {chairing && <Lobby session={session} />}
      <Hands session={session} />
      <Section title={t("in_meeting")} count={roster.seats.value.length}>
        <Rows>
          {roster.seats.value.map((seat) => (
            <Row key={seat.person} session={session} seat={seat} ask={(what) => (asked.value = { what, person: seat.person })} />
          ))}
        </Rows>
      </Section>
      {chairing && <Barred session={session} />}
      {chairing && <ChairTools session={session} />}
      {asked.value && <Question session={session} asked={asked.value} onClose={() => (asked.value = undefined)} />}
    </div>
  );
}

function Section({ title, count, action, children }: { title: string; count?: number; action?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="people-section">
      <header>
        <h3>
          {title} {count !== undefined && <span class="quiet figures">{number(count)}</span>}
        </h3>
        {action}
      </header>
      {children}
    </section>
  );
}

/** A list whose rows the arrows walk through; Tab goes on to what stands in a row. */
function Rows({ children }: { children: ComponentChildren }) {
  const list = useRef<HTMLUListElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.tagName !== "LI") return;
    const rows = [...(list.current?.children ?? [])] as HTMLElement[];
    const at = rows.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    rows[Math.min(rows.length - 1, Math.max(0, next))]?.focus();
  };
  return (
    <ul ref={list} class="rows" onKeyDown={onKeyDown}>
      {children}
    </ul>
  );
}

interface RowProps {
  session: MeetingSession;
  seat: Seat;
  ask: (what: Asked["what"]) => void;
}

function Row({ session, seat, ask }: RowProps) {
  const { person } = seat;
  const own = person === session.me;
  const name = nameOf(person);
  const items = actionsFor(session, seat, ask);
  return (
    <li class="row" tabIndex={0} data-person={person}>
      <Avatar id={person} size="small" />
      <span class="row-name">
        <span>
          <PersonName id={person} />
          {own && <span class="quiet"> ({t("you")})</span>}
        </span>
        <PersonPlace id={person} />
        {seat.role !== "participant" && (
          <span class="row-role">
            <Icon of={seat.role === "chair" ? Crown : ShieldCheck} size={14} />
            {t(seat.role)}
          </span>
        )}
      </span>
      <span class="row-state">
        {!seat.connected && <State icon={WifiOff} text={t("away")} />}
        {seat.screen && <State icon={MonitorUp} text={t("said_sharing", { name })} />}
        {(seat.hand ?? 0) > 0 && <State icon={Hand} text={t("hand_up")} />}
        <State icon={seat.microphone ? Mic : MicOff} text={seat.microphone ? t("microphone_on") : t("muted")} quiet={!seat.microphone} />
        <State icon={seat.camera ? Video : VideoOff} text={seat.camera ? t("camera_on") : t("camera_is_off")} quiet={!seat.camera} />
      </span>
      <Menu label={t("actions_for", { name })} items={items}>
        <Icon of={EllipsisVertical} />
      </Menu>
    </li>
  );
}

function State({ icon, text, quiet = false }: { icon: typeof Mic; text: string; quiet?: boolean }) {
  return (
    <span class={quiet ? "seat-mark quiet" : "seat-mark"} title={text}>
      <Icon of={icon} size={18} />
      <span class="unseen">{text}</span>
    </span>
  );
}

function actionsFor(session: MeetingSession, seat: Seat, ask: RowProps["ask"]): (MenuItem | "rule")[] {
  const { person } = seat;
  const { roster } = session;
  const own = person === session.me;
  const chair = roster.mine.value?.role === "chair";
  const pinned = session.stage.value.pin === `${person}/camera`;
  const spotlit = roster.spotlight.value === person;
  const items: (MenuItem | "rule")[] = [{ label: pinned ? t("unpin") : t("pin"), onSelect: () => session.pin(person, "camera") }];
  if (!roster.chairing.value) return items;
  items.push({
    label: spotlit ? t("unspotlight") : t("spotlight"),
    onSelect: () => session.ask("meeting.spotlight", { person: spotlit ? "" : person }),
  });
  if (own) return items;
  items.push("rule");
  if (seat.microphone) items.push({ label: t("mute"), onSelect: () => session.ask("meeting.mute", { person, source: "microphone" }) });
  else items.push({ label: t("ask_unmute"), onSelect: () => session.ask("meeting.ask_unmute", { person }) });
  items.push({ label: t("give_floor"), onSelect: () => session.ask("meeting.floor", { person }) });
  if (seat.camera) items.push({ label: t("mute_camera"), onSelect: () => session.ask("meeting.mute", { person, source: "camera" }) });
  if (seat.screen) items.push({ label: t("mute_screen"), onSelect: () => session.ask("meeting.mute", { person, source: "screen" }) });
  if (chair) {
    items.push("rule");
    const cochair = seat.role === "cochair";
    items.push(
      {
        label: cochair ? t("unmake_cochair") : t("make_cochair"),
        onSelect: () => session.ask("meeting.role", { person, role: cochair ? "participant" : "cochair" }),
      },
      { label: t("hand_over"), onSelect: () => ask("hand_over") },
    );
  }
  if (seat.role !== "chair") items.push("rule", { label: t("remove"), icon: UserX, danger: true, onSelect: () => ask("remove") });
  return items;
}

/** Those who wait to be let in. */
function Lobby({ session }: { session: MeetingSession }) {
  const waiting = session.roster.waiting.value;
  if (waiting.length === 0) return null;
  return (
    <Section
      title={t("lobby")}
      count={waiting.length}
      action={
        waiting.length > 1 && (
          <Button size="small" onClick={() => session.ask("meeting.admit_all", {})}>
            {t("admit_all")}
          </Button>
        )
      }
    >
      <p class="quiet people-hint">{t("admit_key")}</p>
      <Rows>
        {waiting.map(({ person, since }) => {
          const name = nameOf(person);
          return (
            <li key={person} class="row row-waiting" tabIndex={0} data-person={person}>
              <Avatar id={person} size="small" />
              <span class="row-name">
                <PersonName id={person} />
                <PersonPlace id={person} />
                <span class="quiet">{t("waiting_since", { time: time(since) })}</span>
              </span>
              <IconButton icon={Check} kind="secondary" label={t("admit_name", { name })} onClick={() => session.ask("meeting.admit", { person })} />
              <IconButton icon={X} label={t("refuse_name", { name })} onClick={() => session.ask("meeting.refuse", { person })} />
            </li>
          );
        })}
      </Rows>
    </Section>
  );
}

/** The speaking order. */
function Hands({ session }: { session: MeetingSession }) {
  const hands = session.roster.hands.value;
  if (hands.length === 0) return null;
  const chairing = session.roster.chairing.value;
  return (
    <Section title={t("hands")} count={hands.length}>
      <Rows>
        {hands.map(({ person, hand }, i) => {
          const name = nameOf(person);
          return (
            <li key={person} class="row" tabIndex={0}>
              <span class="row-place figures">{number(i + 1)}</span>
              <span class="row-name">
                <PersonName id={person} />
                <span class="quiet">{t("waiting_since", { time: time(hand ?? 0) })}</span>
              </span>
              {chairing && person !== session.me && (
                <Button size="small" aria-label={t("give_floor_name", { name })} onClick={() => session.ask("meeting.floor", { person })}>
                  {t("give_floor")}
                </Button>
              )}
              {person === session.me ? (
                <IconButton icon={X} label={t("lower_hand")} onClick={() => session.toggleHand()} />
              ) : (
                chairing && <IconButton icon={X} label={t("lower_hand_name", { name })} onClick={() => session.ask("meeting.lower_hand", { person })} />
              )}
            </li>
          );
        })}
      </Rows>
    </Section>
  );
}

/** Those who were removed or refused, and the way back for them. */
function Barred({ session }: { session: MeetingSession }) {
  const barred = session.roster.barred.value;
  if (barred.length === 0) return null;
  return (
    <Section title={t("barred")} count={barred.length}>
      <Rows>
        {barred.map((person) => (
          <li key={person} class="row" tabIndex={0} data-person={person}>
            <Avatar id={person} size="small" />
            <span class="row-name">
              <PersonName id={person} />
              <PersonPlace id={person} />
            </span>
            <Button size="small" aria-label={t("permit_again_name", { name: nameOf(person) })} onClick={() => session.ask("meeting.admit", { person })}>
              {t("permit_again")}
            </Button>
          </li>
        ))}
      </Rows>
    </Section>
  );
}

/** What holds for the whole meeting. */
function ChairTools({ session }: { session: MeetingSession }) {
  const meeting = session.roster.meeting.value;
  if (!meeting) return null;
  return (
    <Section
      title={t("chair_tools")}
      action={
        <Button size="small" icon={MicOff} onClick={() => session.ask("meeting.mute", { source: "microphone" })}>
          {t("mute_all")}
        </Button>
      }
    >
      <CheckField label={t("lock")} hint={t("lock_more")} checked={meeting.locked} onChecked={(locked) => session.ask("meeting.settings", { locked })} />
      <CheckField label={t("lobby_open")} hint={t("lobby_open_more")} checked={meeting.lobby} onChecked={(lobby) => session.ask("meeting.settings", { lobby })} />
      <CheckField
        label={t("share_open")}
        hint={t("share_open_more")}
        checked={meeting.share === "everyone"}
        onChecked={(open) => session.ask("meeting.settings", { share: open ? "everyone" : "chairs" })}
      />
    </Section>
  );
}

/** Asks once, by name, before what cannot be undone. */
function Question({ session, asked, onClose }: { session: MeetingSession; asked: Asked; onClose: () => void }) {
  const { what, person } = asked;
  const name = nameOf(person);
  const removing = what === "remove";
  return (
    <Confirm
      title={removing ? t("remove_ask", { name }) : t("hand_over_ask", { name })}
      action={removing ? t("remove_do") : t("hand_over_do")}
      danger={removing}
      onClose={onClose}
      onConfirm={() => {
        session.ask(removing ? "meeting.remove" : "meeting.hand_over", { person });
        onClose();
      }}
    >
      <p>{removing ? t("remove_more", { name }) : t("hand_over_more", { name })}</p>
    </Confirm>
  );
}
