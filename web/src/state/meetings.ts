import { computed, effect, signal } from "@preact/signals";
import { startOfDay } from "../i18n/dates";
import { Refused } from "../net/refused";
import type { Meeting, MeetingID, MeetingSave } from "../protocol.gen";
import { route } from "../router";
import { socket } from "./connection";
import { me } from "./session";

/** How many days ahead the home page looks. */
export const horizon = 30;

const known = signal<ReadonlyMap<MeetingID, Meeting>>(new Map());
export const meetingsLoaded = signal(false);
export const meetingsFault = signal<Refused | undefined>(undefined);

/** The minute that the lists are sorted by; it moves by itself. */
export const minute = signal(Date.now());

export interface Agenda {
  /** Open, or begun by the clock. */
  now: readonly Meeting[];
  /** Later today. */
  today: readonly Meeting[];
  /** After today. */
  upcoming: readonly Meeting[];
  /** Over today: ended, or past their planned end without anybody. */
  past: readonly Meeting[];
}

/** Sorts meetings into what a person asks of a day. */
export function agenda(meetings: Iterable<Meeting>, at: number): Agenda {
  const tomorrow = startOfDay(at, 1);
  const today = startOfDay(at);
  const sorted = [...meetings].filter((meeting) => meeting.status !== "cancelled").sort((a, b) => a.starts - b.starts);
  const result = { now: [] as Meeting[], today: [] as Meeting[], upcoming: [] as Meeting[], past: [] as Meeting[] };
  for (const meeting of sorted) {
    const end = meeting.starts + meeting.minutes * 60_000;
    if (meeting.status === "open") result.now.push(meeting);
    else if (meeting.status === "ended" || end <= at) {
      if (end > today && meeting.starts < tomorrow) result.past.push(meeting);
    } else if (meeting.starts <= at) result.now.push(meeting);
    else if (meeting.starts < tomorrow) result.today.push(meeting);
    else result.upcoming.push(meeting);
  }
  return result;
}

export const meetingAgenda = computed(() => agenda(known.value.values(), minute.value));

/** A meeting by its id, if the lists know it. */
export const meetingOf = (id: MeetingID): Meeting | undefined => known.value.get(id);

export async function loadMeetings(): Promise<void> {
  try {
    const from = startOfDay(socket.now());
    const { meetings } = await socket.request("meeting.list", { from, to: startOfDay(from, horizon) });
    known.value = new Map(meetings.map((meeting) => [meeting.id, meeting]));
    meetingsLoaded.value = true;
    meetingsFault.value = undefined;
  } catch (error) {
    meetingsFault.value = Refused.from(error);
  }
}

function put(meeting: Meeting): void {
  known.value = new Map(known.value).set(meeting.id, meeting);
}

/** Creates or changes a meeting and gives it as it now is. */
export async function saveMeeting(body: MeetingSave): Promise<Meeting> {
  const { meeting } = await socket.request("meeting.save", body);
  put(meeting);
  return meeting;
}

export async function cancelMeeting(id: MeetingID): Promise<void> {
  await socket.request("meeting.cancel", { meeting: id });
  const meeting = known.value.get(id);
  if (meeting) put({ ...meeting, status: "cancelled" });
}

/** The last meeting that has opened with the person invited and somewhere else; undefined once answered. */
export const invitation = signal<Meeting | undefined>(undefined);

function isInvited(meeting: Meeting): boolean {
  const you = me.peek();
  return you !== undefined && (meeting.people.includes(you.id) || meeting.units.includes(you.unit) || meeting.chair === you.id);
}

// invite notices the moment in which a meeting opens, and in which it no longer is open.
function invite(meeting: Meeting): void {
  const wasOpen = known.peek().get(meeting.id)?.status === "open";
  const isHere = route.peek().page === "meeting";
  if (meeting.status === "open" && !wasOpen && meeting.may_join && isInvited(meeting) && !isHere) invitation.value = meeting;
  else if (invitation.peek()?.id === meeting.id && (meeting.status !== "open" || !meeting.may_join)) invitation.value = undefined;
}

export function followMeetings(): void {
  socket.onFresh(() => void loadMeetings());
  socket.on("meeting.changed", ({ meeting }) => {
    invite(meeting);
    put(meeting);
  });
  effect(() => {
    if (route.value.page === "meeting") invitation.value = undefined;
  });
  let day = startOfDay(Date.now());
  setInterval(() => {
    minute.value = socket.now();
    if (startOfDay(minute.value) !== day && socket.status.peek() === "connected") {
      day = startOfDay(minute.value);
      void loadMeetings();
    }
  }, 15_000);
}

/** Forgets everything of the person who signed out. */
export function forgetMeetings(): void {
  known.value = new Map();
  invitation.value = undefined;
  meetingsLoaded.value = false;
}
