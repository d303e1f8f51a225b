import { describe, expect, test, vi } from "vitest";
import type { MeetingState, Seat } from "../protocol.gen";
import type { Socket } from "../net/socket";
import { handQueue, Roster, seatChanges, withSeat, type RosterChange } from "./roster";

function seat(person: string, joined_at: number, more: Partial<Seat> = {}): Seat {
  return { person, role: "participant", joined_at, connected: true, microphone: false, camera: false, screen: false, ...more };
}

/** A socket that only hands out events. */
function fakeSocket() {
  const listeners = new Map<string, (body: never) => void>();
  const on = (event: string, listener: (body: never) => void) => {
    listeners.set(event, listener);
    return () => listeners.delete(event);
  };
  return { socket: { on } as unknown as Socket, emit: (event: string, body: unknown) => listeners.get(event)?.(body as never), listeners };
}

const state = (seats: Seat[]): MeetingState => ({
  meeting: {
    id: "m1",
    title: { ar: "اجتماع" },
    starts: 0,
    minutes: 60,
    status: "open",
    chair: "a",
    created_by: "a",
    people: [],
    units: [],
    lobby: false,
    locked: false,
    share: "everyone",
    seated: seats.length,
    may_join: true,
    may_manage: false,
  },
  seats,
});

describe("the order of seats", () => {
  test("is that of joining, and a changed seat stays in its place", () => {
    const seats = [seat("a", 1), seat("c", 3)];
    expect(withSeat(seats, seat("b", 2)).map((s) => s.person)).toEqual(["a", "b", "c"]);
    expect(withSeat(seats, seat("a", 1, { camera: true }))[0]).toMatchObject({ person: "a", camera: true });
  });

  test("of hands is that of raising them", () => {
    const seats = [seat("a", 1, { hand: 30 }), seat("b", 2), seat("c", 3, { hand: 20 }), seat("d", 4, { hand: 30 })];
    expect(handQueue(seats).map((s) => s.person)).toEqual(["c", "a", "d"]);
  });
});

test("a changed seat is told as what it means", () => {
  expect(seatChanges(undefined, seat("a", 1))).toEqual([{ kind: "joined", person: "a" }]);
  expect(seatChanges(seat("a", 1), seat("a", 1, { hand: 5, screen: true })).map((c) => c.kind)).toEqual(["hand", "sharing"]);
  expect(seatChanges(seat("a", 1), seat("a", 1, { connected: false })).map((c) => c.kind)).toEqual(["interrupted"]);
  expect(seatChanges(seat("a", 1, { hand: 5 }), seat("a", 1, { microphone: true }))).toEqual([]);
});

test("the roster follows the events until it is closed", () => {
  const changes: RosterChange[] = [];
  const roster = new Roster("b", (change) => changes.push(change));
  const { socket, emit, listeners } = fakeSocket();
  roster.load(state([seat("a", 1, { role: "chair" }), seat("b", 2)]));
  roster.follow(socket, "m1");
  expect(roster.chairing.value).toBe(false);

  emit("meeting.seat", { seat: seat("b", 2, { role: "cochair" }) });
  expect(roster.chairing.value).toBe(true);
  emit("meeting.seat", { seat: seat("c", 3) });
  emit("meeting.left", { person: "c", reason: "left" });
  emit("meeting.left", { person: "c", reason: "left" });
  emit("meeting.lobby", { waiting: [{ person: "d", since: 5 }], barred: ["e"] });
  emit("meeting.lobby", { waiting: [{ person: "d", since: 5 }], barred: ["e"] });
  emit("meeting.lobby", { waiting: [], barred: ["e"] });
  emit("meeting.settings", { share: "chairs", locked: true });
  emit("meeting.speaker", { person: "a" });
  emit("meeting.spotlight", { person: "" });

  expect(changes).toEqual([
    { kind: "joined", person: "c" },
    { kind: "left", person: "c", reason: "left" },
    { kind: "waiting", person: "d" },
    { kind: "decided", person: "d" },
  ]);
  expect(roster.barred.value).toEqual(["e"]);
  expect(roster.meeting.value).toMatchObject({ share: "chairs", locked: true, lobby: false });
  expect(roster.speaker.value).toBe("a");
  expect(roster.spotlight.value).toBeUndefined();

  roster.close();
  expect(listeners.size).toBe(0);
});

test("only chairs may share where the meeting says so", () => {
  const roster = new Roster("b", vi.fn());
  const snapshot = state([seat("a", 1, { role: "chair" }), seat("b", 2)]);
  roster.load({ ...snapshot, meeting: { ...snapshot.meeting, share: "chairs" } });
  expect(roster.mayShare.value).toBe(false);
  roster.load(snapshot);
  expect(roster.mayShare.value).toBe(true);
});
