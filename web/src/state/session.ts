import { computed, effect, signal, untracked } from "@preact/signals";
import { deleteSession, deleteSessions, getSession, postEnrol, postPassword, postSession } from "../net/http";
import { Refused } from "../net/refused";
import type { Enrol, Person, SessionInfo } from "../protocol.gen";
import { socket } from "./connection";
import { people } from "./directory";

/** What the server says of the person at this browser; undefined until it has answered. */
export const session = signal<SessionInfo | undefined>(undefined);
/** Why the server could not be asked; undefined if it could. */
export const sessionFault = signal<Refused | undefined>(undefined);

/** Who is signed in and may go on (the first password is changed), as their card is now. */
export const me = computed<Person | undefined>(() => {
  const you = session.value?.change_password ? undefined : (socket.welcome.value?.you ?? session.value?.you);
  return you && (people.value.get(you.id) ?? you);
});

/** True on a demonstration server. */
export const demo = computed(() => session.value?.demo === true || socket.welcome.value?.demo === true);

export const isAdministrator = computed(() => me.value?.role === "administrator");

function enter(info: SessionInfo): void {
  socket.welcome.value = undefined;
  session.value = info;
  sessionFault.value = undefined;
  if (info.you !== undefined && !info.change_password) socket.connect();
}

/** Asks the server who is signed in. */
export async function loadSession(): Promise<void> {
  try {
    enter(await getSession());
  } catch (error) {
    sessionFault.value = Refused.from(error);
  }
}

export async function signIn(login: string, password: string): Promise<void> {
  enter(await postSession({ login, password }));
}

export async function enrol(body: Enrol): Promise<void> {
  enter(await postEnrol(body));
}

/** Sets a new password; every other sign-in of the person ends, this one goes on anew. */
export async function changePassword(old: string, next: string): Promise<void> {
  const info = await postPassword({ old, new: next });
  socket.disconnect();
  enter(info);
}

/** Signs out here, or wherever the person is signed in. */
export async function signOut(where: "here" | "everywhere"): Promise<void> {
  await (where === "here" ? deleteSession() : deleteSessions());
  socket.disconnect();
  await loadSession();
}

const calm = 3_000; // ms between two questions, should socket and session ever disagree

/** Follows the socket: when the sign-in ends elsewhere, the session is asked for again. */
export function followSocket(): void {
  let asked = -Infinity;
  effect(() => {
    if (socket.status.value !== "signed-out") return;
    const wait = Math.max(0, asked + calm - Date.now());
    asked = Date.now() + wait;
    setTimeout(() => void loadSession(), wait);
  });
}

/** Calls forget whenever the person is another one than before, or nobody any more. */
export function onAnotherPerson(forget: () => void): void {
  let last: string | undefined;
  effect(() => {
    const id = me.value?.id;
    if (last !== undefined && id !== last) untracked(forget);
    last = id;
  });
}
