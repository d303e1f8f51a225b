import { beforeEach, describe, expect, it } from "vitest";
import { destination, navigate, parse, paths, route } from "./router";

it.each([
  ["/", { page: "home" }],
  ["/sign-in", { page: "sign-in" }],
  ["/password", { page: "password" }],
  ["/messages", { page: "messages" }],
  ["/messages/p-1", { page: "messages", person: "p-1" }],
  ["/people", { page: "people" }],
  ["/settings/", { page: "settings" }],
  ["/meeting/m%2F1", { page: "meeting", id: "m/1" }],
  ["/meeting", { page: "not-found" }],
  ["/meeting/a/b", { page: "not-found" }],
  ["/people/x", { page: "not-found" }],
  ["/constructor", { page: "not-found" }],
  ["/meeting/%E0%A4%A", { page: "meeting", id: "\ufffd" }],
])("reads %s", (path, expected) => {
  expect(parse(path)).toEqual(expected);
});

it("reads the token of an enrolment", () => {
  expect(parse("/enrol", "?token=a%20b")).toEqual({ page: "enrol", token: "a b" });
  expect(parse("/enrol")).toEqual({ page: "enrol", token: "" });
});

it("writes addresses that it reads back", () => {
  expect(parse(paths.meeting("م/1"))).toEqual({ page: "meeting", id: "م/1" });
  expect(parse(paths.messages("a b"))).toEqual({ page: "messages", person: "a b" });
});

describe("in a page", () => {
  beforeEach(() => {
    navigate("/");
    document.body.innerHTML = "";
  });

  it("goes to an address and back again", () => {
    const before = history.length;
    navigate("/people");
    expect(route.value).toEqual({ page: "people" });
    expect(history.length).toBe(before + 1);
    navigate("/settings", { replace: true });
    expect(route.value).toEqual({ page: "settings" });
    expect(history.length).toBe(before + 1);
  });

  it("follows links of this site and leaves all others alone", () => {
    const press = (html: string, how: object = {}) => {
      document.body.innerHTML = html;
      const plain = { defaultPrevented: false, button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false };
      return destination({ ...plain, target: document.querySelector("b"), ...how });
    };
    expect(press(`<a href="/messages/p%201?x=1"><b>x</b></a>`)).toBe("/messages/p%201?x=1");
    expect(press(`<b>x</b>`)).toBeUndefined();
    expect(press(`<a href="/settings" target="_blank"><b>x</b></a>`)).toBeUndefined();
    expect(press(`<a href="https://other.example/settings"><b>x</b></a>`)).toBeUndefined();
    expect(press(`<a href="/file" download><b>x</b></a>`)).toBeUndefined();
    for (const how of [{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }, { defaultPrevented: true }]) {
      expect(press(`<a href="/settings"><b>x</b></a>`, how)).toBeUndefined();
    }
  });
});
