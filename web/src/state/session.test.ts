import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as http from "../net/http";
import { Refused } from "../net/refused";
import type { Person } from "../protocol.gen";
import { socket } from "./connection";
import { putPerson } from "./directory";
import { changePassword, demo, loadSession, me, onAnotherPerson, session, sessionFault, signIn, signOut } from "./session";

vi.mock("../net/http");

const person = (id: string, more: Partial<Person> = {}): Person => ({ id, login: id, name: { en: id }, title: {}, unit: "u", role: "officer", ...more });
const served = vi.mocked(http);

beforeEach(() => {
  vi.spyOn(socket, "connect").mockImplementation(() => {});
  vi.spyOn(socket, "disconnect").mockImplementation(() => {});
});

afterEach(() => {
  session.value = undefined;
  sessionFault.value = undefined;
});

it("shows a visitor the way in, and opens no socket for them", async () => {
  served.getSession.mockResolvedValue({ demo: true });
  await loadSession();
  expect(session.value).toEqual({ demo: true });
  expect(me.value).toBeUndefined();
  expect(demo.value).toBe(true);
  expect(socket.connect).not.toHaveBeenCalled();
});

it("connects whoever is signed in", async () => {
  served.postSession.mockResolvedValue({ you: person("a") });
  await signIn("a", "secret");
  expect(served.postSession).toHaveBeenCalledWith({ login: "a", password: "secret" });
  expect(me.value?.id).toBe("a");
  expect(socket.connect).toHaveBeenCalledOnce();
});

it("lets nobody past the change of a first password", async () => {
  served.getSession.mockResolvedValue({ you: person("a"), change_password: true });
  await loadSession();
  expect(me.value).toBeUndefined();
  expect(socket.connect).not.toHaveBeenCalled();
  served.postPassword.mockResolvedValue({ you: person("a") });
  await changePassword("old", "new");
  expect(me.value?.id).toBe("a");
  expect(socket.connect).toHaveBeenCalledOnce();
});

it("says why the server could not be asked, and forgets it when it could", async () => {
  served.getSession.mockRejectedValueOnce(new Refused({ code: "offline" }));
  await loadSession();
  expect(session.value).toBeUndefined();
  expect(sessionFault.value?.code).toBe("offline");
  served.getSession.mockResolvedValue({});
  await loadSession();
  expect(sessionFault.value).toBeUndefined();
});

it("follows one's own card", async () => {
  served.getSession.mockResolvedValue({ you: person("a") });
  await loadSession();
  putPerson(person("a", { role: "administrator" }));
  expect(me.value?.role).toBe("administrator");
});

it("forgets everything when the person changes", async () => {
  const forget = vi.fn();
  served.getSession.mockResolvedValue({ you: person("b") });
  await loadSession();
  onAnotherPerson(forget);
  await loadSession();
  expect(forget).not.toHaveBeenCalled();
  served.getSession.mockResolvedValue({});
  await signOut("everywhere");
  expect(served.deleteSessions).toHaveBeenCalledOnce();
  expect(socket.disconnect).toHaveBeenCalled();
  expect(forget).toHaveBeenCalledOnce();
});
