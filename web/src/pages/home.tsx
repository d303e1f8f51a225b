import { useSignal } from "@preact/signals";
import { CalendarPlus, CalendarX, EllipsisVertical, Link, MessageSquare, Pencil, Video } from "lucide";
import type { ComponentChildren } from "preact";
import { dayWord, day, fromNow, hijri, length, sameDay, time } from "../i18n/dates";
import { pick } from "../i18n/dictionary";
import type { Meeting } from "../protocol.gen";
import { paths } from "../router";
import { activePeople, directoryLoaded, nameOf } from "../state/directory";
import { cancelMeeting, loadMeetings, meetingAgenda, meetingsFault, meetingsLoaded, minute } from "../state/meetings";
import { me } from "../state/session";
import { Button, ButtonLink } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { Menu, type MenuItem } from "../ui/menu";
import { Page } from "../ui/page";
import { Avatar, PersonName, PersonPlace } from "../ui/person";
import { EmptyState, ErrorState, Loading } from "../ui/states";
import { toast, toastFault } from "../ui/toast";
import { MeetingEditor, type Edit } from "./meeting-editor";
import { t } from "./home-texts";
import "./home.css";

/** The day: what is on now, what comes, and who is there. */
export function HomePage() {
  const edit = useSignal<Edit | undefined>(undefined);
  const cancelling = useSignal<Meeting | undefined>(undefined);
  const verbs: Verbs = {
    edit: (meeting) => {
      edit.value = { kind: "change", meeting };
    },
    cancel: (meeting) => {
      cancelling.value = meeting;
    },
  };
  return (
    <Page
      title={t("title")}
      actions={
        <>
          <Button
            icon={CalendarPlus}
            onClick={() => {
              edit.value = { kind: "schedule" };
            }}
          >
            {t("schedule")}
          </Button>
          <Button
            kind="primary"
            icon={Video}
            onClick={() => {
              edit.value = { kind: "now" };
            }}
          >
            {t("start_now")}
          </Button>
        </>
      }
    >
      <div class="home">
        <div class="home-agenda">
          <p class="home-date">
            <strong>{day(minute.value)}</strong>
            <span>{hijri(minute.value)}</span>
          </p>
          <AgendaLists verbs={verbs} />
        </div>
        <OnlineNow />
      </div>
      {edit.value && (
        <MeetingEditor
          edit={edit.value}
          onClose={() => {
            edit.value = undefined;
          }}
        />
      )}
      {cancelling.value && (
        <CancelDialog
          meeting={cancelling.value}
          onClose={() => {
            cancelling.value = undefined;
          }}
        />
      )}
    </Page>
  );
}

interface Verbs {
  edit: (meeting: Meeting) => void;
  cancel: (meeting: Meeting) => void;
}

function AgendaLists({ verbs }: { verbs: Verbs }) {
  if (!meetingsLoaded.value) {
    return meetingsFault.value ? <ErrorState fault={meetingsFault.value} onRetry={() => void loadMeetings()} /> : <Loading />;
  }
  const { now, today, upcoming, past } = meetingAgenda.value;
  return (
    <>
      {now.length > 0 && (
        <Section title={t("now")}>
          {now.map((meeting) => (
            <MeetingCard key={meeting.id} meeting={meeting} verbs={verbs} when="now" />
          ))}
        </Section>
      )}
      {today.length > 0 && (
        <Section title={t("later_today")}>
          {today.map((meeting) => (
            <MeetingCard key={meeting.id} meeting={meeting} verbs={verbs} when="today" />
          ))}
        </Section>
      )}
      {now.length === 0 && today.length === 0 && (
        <div class="card home-empty">
          <EmptyState icon={CalendarX} title={t("none_today")}>
            {t("none_today_text")}
          </EmptyState>
        </div>
      )}
      {upcoming.length > 0 && <Upcoming meetings={upcoming} verbs={verbs} />}
      {past.length > 0 && (
        <details class="home-past">
          <summary>{t("past_today", { count: past.length })}</summary>
          <ul class="home-list">
            {past.map((meeting) => (
              <MeetingCard key={meeting.id} meeting={meeting} verbs={verbs} when="past" />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="home-section">
      <h2>{title}</h2>
      <ul class="home-list">{children}</ul>
    </section>
  );
}

function Upcoming({ meetings, verbs }: { meetings: readonly Meeting[]; verbs: Verbs }) {
  const days: Meeting[][] = [];
  for (const meeting of meetings) {
    const last = days.at(-1);
    if (last?.[0] && sameDay(last[0].starts, meeting.starts)) last.push(meeting);
    else days.push([meeting]);
  }
  return (
    <section class="home-section">
      <h2>{t("upcoming")}</h2>
      {days.map((each) => {
        const at = each[0]!.starts;
        const word = dayWord(at, minute.value);
        return (
          <div key={at} class="home-day">
            <h3>
              {word ? `${word} · ` : ""}
              {day(at)} <span>· {hijri(at)}</span>
            </h3>
            <ul class="home-list">
              {each.map((meeting) => (
                <MeetingCard key={meeting.id} meeting={meeting} verbs={verbs} when="upcoming" />
              ))}
            </ul>
          </div>
        );
      })}
    </section>
  );
}

interface MeetingCardProps {
  meeting: Meeting;
  verbs: Verbs;
  when: "now" | "today" | "upcoming" | "past";
}

function MeetingCard({ meeting, verbs, when }: MeetingCardProps) {
  const title = pick(meeting.title);
  const chair = meeting.chair === me.value?.id ? t("chaired_by_you") : t("chaired_by", { name: nameOf(meeting.chair) });
  const changeable = meeting.may_manage && meeting.status === "scheduled";
  const items: MenuItem[] = [
    { label: t("copy_link"), icon: Link, onSelect: () => void copyLink(meeting) },
    ...(changeable
      ? [
          { label: t("edit"), icon: Pencil, onSelect: () => verbs.edit(meeting) },
          { label: t("cancel"), icon: CalendarX, danger: true, onSelect: () => verbs.cancel(meeting) },
        ]
      : []),
  ];
  return (
    <li class={`card meeting-card meeting-${when}`}>
      <div class="meeting-when figures">
        <time dateTime={new Date(meeting.starts).toISOString()}>{time(meeting.starts)}</time>
        <span>{length(meeting.minutes)}</span>
      </div>
      <div class="meeting-what">
        <p class="meeting-title">
          <bdi>{title}</bdi>
        </p>
        <p class="meeting-facts">
          {meeting.status === "open" && <span class="chip chip-good">{t("open")}</span>}
          {meeting.status === "ended" && <span class="chip">{t("ended")}</span>}
          {meeting.locked && <span class="chip chip-alert">{t("locked")}</span>}
          <span>{chair}</span>
          {meeting.status === "open" && <span>{t("seated", { count: meeting.seated })}</span>}
          {when === "today" && <span>{fromNow(meeting.starts, minute.value)}</span>}
        </p>
      </div>
      <div class="meeting-verbs">
        {meeting.may_join && (when === "now" || when === "today") && (
          <ButtonLink href={paths.meeting(meeting.id)} kind={when === "now" ? "primary" : "secondary"} label={t("join_named", { title })}>
            {t("join")}
          </ButtonLink>
        )}
        {when !== "past" && (
          <Menu label={t("more", { title })} items={items}>
            <Icon of={EllipsisVertical} />
          </Menu>
        )}
      </div>
    </li>
  );
}

async function copyLink(meeting: Meeting): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.origin + paths.meeting(meeting.id));
    toast(t("link_copied"), "good");
  } catch (error) {
    toastFault(error);
  }
}

function CancelDialog({ meeting, onClose }: { meeting: Meeting; onClose: () => void }) {
  const busy = useSignal(false);
  const confirm = async () => {
    busy.value = true;
    try {
      await cancelMeeting(meeting.id);
      toast(t("cancelled"), "good");
      onClose();
    } catch (error) {
      toastFault(error);
      onClose();
    }
  };
  return (
    <Confirm title={t("cancel")} action={t("cancel")} busy={busy.value} onConfirm={() => void confirm()} onClose={onClose}>
      <p>{t("cancel_text", { title: pick(meeting.title) })}</p>
    </Confirm>
  );
}

function OnlineNow() {
  if (!directoryLoaded.value) return <aside class="card online" />;
  const online = activePeople.value.filter((person) => person.online && person.id !== me.value?.id);
  return (
    <aside class="card online" aria-labelledby="online-title">
      <h2 id="online-title">{t("online_now")}</h2>
      {online.length === 0 ? (
        <p class="online-none">{t("nobody_online")}</p>
      ) : (
        <ul>
          {online.map((person) => (
            <li key={person.id}>
              <a class="online-person" href={paths.messages(person.id)} title={t("write_to", { name: pick(person.name) })}>
                <Avatar id={person.id} size="small" presence />
                <span class="online-who">
                  <PersonName id={person.id} />
                  <PersonPlace id={person.id} />
                </span>
                <Icon of={MessageSquare} size={18} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </aside>
  );
}
