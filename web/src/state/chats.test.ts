import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ChatMessage, Events } from "../protocol.gen";
import { conversation, followChats, forgetChats, noteRead, threads, unreadTotal } from "./chats";
import { socket } from "./connection";
import { session } from "./session";

// The socket's events, told by the test.
const listeners = new Map<string, (body: never) => void>();
const tell = <E extends keyof Events>(event: E, body: Events[E]) => listeners.get(event)?.(body as never);

const message = (order: number, from: string, other = "b"): ChatMessage => ({
  id: `m${order}`,
  order,
  thread: { person: other },
  from,
  key: `k${order}${other}`,
  text: "x",
  at: order,
});

beforeEach(() => {
  vi.spyOn(socket, "on").mockImplementation((event, listener) => {
    listeners.set(event, listener);
    return () => true;
  });
  vi.spyOn(socket, "request").mockResolvedValue({});
  session.value = { you: { id: "me", login: "me", name: {}, title: {}, unit: "u", role: "officer" } };
  followChats();
});

afterEach(() => {
  forgetChats();
  session.value = undefined;
});

it("counts what others write and not what one writes oneself", () => {
  tell("chat.message", { message: message(1, "b") });
  tell("chat.message", { message: message(2, "b") });
  tell("chat.message", { message: message(1, "c", "c") });
  expect(unreadTotal.value).toBe(3);
  expect(threads.value.map(({ thread }) => thread.person)).toEqual(["c", "b"]);
  tell("chat.message", { message: message(3, "me") });
  expect(unreadTotal.value).toBe(1);
  expect(threads.value[0]).toMatchObject({ thread: { person: "b" }, unread: 0 });
});

it("counts a message once, however often it is told", () => {
  tell("chat.message", { message: message(1, "b") });
  tell("chat.message", { message: message(1, "b") });
  expect(unreadTotal.value).toBe(1);
});

it("follows the read mark of another session of one's own", () => {
  tell("chat.message", { message: message(1, "b") });
  tell("chat.read", { thread: { person: "b" }, person: "b", order: 1 });
  expect(unreadTotal.value).toBe(1);
  tell("chat.read", { thread: { person: "b" }, person: "me", order: 1 });
  expect(unreadTotal.value).toBe(0);
});

it("forgets the mark of a thread once it is read here", () => {
  tell("chat.message", { message: message(4, "b") });
  conversation({ person: "b" }).receiveRead(true, 4);
  noteRead({ person: "b" });
  expect(unreadTotal.value).toBe(0);
});

it("leaves a meeting's chat out of the list", () => {
  tell("chat.message", { message: { ...message(1, "b"), thread: { meeting: "m" } } });
  expect(threads.value).toEqual([]);
});

it("asks before a page is left that has something unsent", () => {
  const leave = () => {
    const event = new Event("beforeunload", { cancelable: true });
    dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(leave()).toBe(false);
  vi.mocked(socket.request).mockReturnValue(new Promise(() => {}));
  conversation({ person: "b" }).send("x");
  expect(leave()).toBe(true);
});

it("gives one conversation per thread, and none of the last person's to the next", () => {
  const first = conversation({ person: "b" });
  expect(conversation({ person: "b" })).toBe(first);
  expect(conversation({ meeting: "b" })).not.toBe(first);
  forgetChats();
  expect(conversation({ person: "b" })).not.toBe(first);
});
