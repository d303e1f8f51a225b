import { expect, it } from "vitest";
import { startOfDay } from "../i18n/dates";
import type { Meeting } from "../protocol.gen";
import { agenda } from "./meetings";

const now = new Date(2026, 10, 24, 14, 0).getTime();
const hour = 3_600_000;

let ids = 0;
const meeting = (starts: number, more: Partial<Meeting> = {}): Meeting => ({
  id: `m${++ids}`,
  title: { en: "x" },
  starts,
  minutes: 60,
  status: "scheduled",
  chair: "p",
  created_by: "p",
  people: [],
  units: [],
  lobby: true,
  locked: false,
  share: "everyone",
  seated: 0,
  may_join: true,
  may_manage: false,
  ...more,
});

const places = (meetings: Meeting[]) => {
  const { now: current, today, upcoming, past } = agenda(meetings, now);
  return meetings.map((each) =>
    current.includes(each) ? "now" : today.includes(each) ? "today" : upcoming.includes(each) ? "upcoming" : past.includes(each) ? "past" : "nowhere",
  );
};

it("puts each meeting where a person looks for it", () => {
  const cases: [Meeting, string][] = [
    [meeting(now - hour / 2), "now"], // its time is now, though nobody has come
    [meeting(now - 5 * hour, { status: "open" }), "now"], // it runs over
    [meeting(startOfDay(now, -1), { status: "open" }), "now"], // since yesterday
    [meeting(now + hour, { status: "open" }), "now"], // they came early
    [meeting(now + hour), "today"],
    [meeting(startOfDay(now, 1) - 1), "today"],
    [meeting(startOfDay(now, 1)), "upcoming"],
    [meeting(now - 3 * hour), "past"], // nobody came
    [meeting(now - hour, { status: "ended" }), "past"],
    [meeting(startOfDay(now, -1), { status: "ended" }), "nowhere"],
    [meeting(now + hour, { status: "cancelled" }), "nowhere"],
  ];
  expect(places(cases.map(([each]) => each))).toEqual(cases.map(([, place]) => place));
});

it("sorts by the start", () => {
  const late = meeting(now + 3 * hour);
  const soon = meeting(now + hour);
  expect(agenda([late, soon], now).today).toEqual([soon, late]);
});
