/**
 * Who is in the meeting, as the server tells it. It keeps what the snapshot and the events
 * say and decides nothing: every permission is the server's, this only shows it.
 */
import { batch, computed, signal } from "@preact/signals";
import type { Meeting, MeetingState, PersonID, Seat, Waiting } from "../protocol.gen";
import type { Socket } from "../net/socket";

/** Puts a seat in its place in the order of joining, or changes it there. */
export function withSeat(seats: readonly Seat[], seat: Seat): Seat[] {
  const at = seats.findIndex((other) => other.person === seat.person);
  if (at >= 0) return seats.map((other, i) => (i === at ? seat : other));
  const after = seats.findIndex((other) => other.joined_at > seat.joined_at);
  return after < 0 ? [...seats, seat] : [...seats.slice(0, after), seat, ...seats.slice(after)];
}

/** Raised hands, the first one first. */
export function handQueue(seats: readonly Seat[]): Seat[] {
  return seats.filter((seat) => (seat.hand ?? 0) > 0).sort((a, b) => a.hand! - b.hand! || a.joined_at - b.joined_at);
}

/** What changed in the roster, for sounds, notices and announcements. */
export type RosterChange =
  | { readonly kind: "joined" | "hand" | "sharing" | "returned" | "interrupted"; readonly person: PersonID }
  | { readonly kind: "left"; readonly person: PersonID; readonly reason: "left" | "removed" | "lost" }
  /** Somebody has come to the lobby, or has left it, whichever way. */
  | { readonly kind: "waiting" | "decided"; readonly person: PersonID };

/** What a changed seat means to the others. */
export function seatChanges(before: Seat | undefined, now: Seat): RosterChange[] {
  const { person } = now;
  if (!before) return [{ kind: "joined", person }];
  const changes: RosterChange[] = [];
  if (!before.hand && now.hand) changes.push({ kind: "hand", person });
  if (!before.screen && now.screen) changes.push({ kind: "sharing", person });
  if (before.connected && !now.connected) changes.push({ kind: "interrupted", person });
  if (!before.connected && now.connected) changes.push({ kind: "returned", person });
  return changes;
}

export class Roster {
  readonly meeting = signal<Meeting | undefined>(undefined);
  readonly seats = signal<readonly Seat[]>([]);
  readonly waiting = signal<readonly Waiting[]>([]);
  readonly barred = signal<readonly PersonID[]>([]);
  readonly spotlight = signal<PersonID | undefined>(undefined);
  readonly speaker = signal<PersonID | undefined>(undefined);

  readonly mine = computed(() => this.seats.value.find((seat) => seat.person === this.me));
  /** Whether the person may do what chairs may. */
  readonly chairing = computed(() => this.mine.value?.role === "chair" || this.mine.value?.role === "cochair");
  readonly hands = computed(() => handQueue(this.seats.value));
  /** Whether the person may share a screen now. */
  readonly mayShare = computed(() => this.chairing.value || this.meeting.value?.share !== "chairs");

  private readonly endings: (() => void)[] = [];

  constructor(
    readonly me: PersonID,
    private readonly changed: (change: RosterChange) => void,
  ) {}

  seat(person: PersonID): Seat | undefined {
    return this.seats.value.find((seat) => seat.person === person);
  }

  /** Takes a snapshot as the whole truth. */
  load(state: MeetingState): void {
    batch(() => {
      this.meeting.value = state.meeting;
      this.seats.value = state.seats;
      this.waiting.value = state.waiting ?? [];
      this.barred.value = state.barred ?? [];
      this.spotlight.value = state.spotlight || undefined;
      this.speaker.value = state.speaker || undefined;
    });
  }

  /** Follows the events; `close` ends it. */
  follow(socket: Socket, meeting: string): void {
    this.endings.push(
      socket.on("meeting.seat", ({ seat }) => {
        const before = this.seat(seat.person);
        this.seats.value = withSeat(this.seats.value, seat);
        seatChanges(before, seat).forEach(this.changed);
      }),
      socket.on("meeting.left", ({ person, reason }) => {
        if (!this.seat(person)) return;
        this.seats.value = this.seats.value.filter((seat) => seat.person !== person);
        this.changed({ kind: "left", person, reason });
      }),
      socket.on("meeting.lobby", ({ waiting, barred }) => {
        const known = new Set(this.waiting.value.map((each) => each.person));
        batch(() => {
          this.waiting.value = waiting ?? [];
          this.barred.value = barred ?? [];
        });
        for (const { person } of waiting ?? []) if (!known.delete(person)) this.changed({ kind: "waiting", person });
        for (const person of known) this.changed({ kind: "decided", person });
      }),
      socket.on("meeting.settings", (settings) => {
        const meeting = this.meeting.value;
        if (!meeting) return;
        this.meeting.value = {
          ...meeting,
          locked: settings.locked ?? meeting.locked,
          lobby: settings.lobby ?? meeting.lobby,
          share: settings.share ?? meeting.share,
        };
      }),
      socket.on("meeting.changed", ({ meeting: card }) => {
        if (card.id === meeting) this.meeting.value = card;
      }),
      socket.on("meeting.spotlight", ({ person }) => {
        this.spotlight.value = person || undefined;
      }),
      socket.on("meeting.speaker", ({ person }) => {
        this.speaker.value = person || undefined;
      }),
    );
  }

  close(): void {
    for (const end of this.endings.splice(0)) end();
  }
}
