import { signal } from "@preact/signals";

// The address is the state. Paths are few and flat, so a table of patterns is enough.

export type Route =
  | { page: "home" }
  | { page: "sign-in" }
  | { page: "enrol"; token: string }
  | { page: "password" }
  | { page: "meeting"; id: string }
  | { page: "messages"; person?: string }
  | { page: "people" }
  | { page: "settings" }
  | { page: "not-found" };

/** What an address of this site means. */
export function parse(path: string, search = ""): Route {
  const [first = "", second, ...rest] = path.split("/").filter((part) => part !== "").map(decode);
  if (rest.length > 0) return { page: "not-found" };
  if (second === undefined) {
    switch (first) {
      case "":
        return { page: "home" };
      case "enrol":
        return { page: "enrol", token: new URLSearchParams(search).get("token") ?? "" };
      case "sign-in":
      case "password":
      case "messages":
      case "people":
      case "settings":
        return { page: first };
    }
  } else if (first === "meeting") {
    return { page: "meeting", id: second };
  } else if (first === "messages") {
    return { page: "messages", person: second };
  }
  return { page: "not-found" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "\ufffd"; // an address that no page of ours made; it matches nothing
  }
}

/** The addresses of pages, for links. */
export const paths = {
  home: "/",
  signIn: "/sign-in",
  password: "/password",
  meeting: (id: string) => `/meeting/${encodeURIComponent(id)}`,
  messages: (person?: string) => (person === undefined ? "/messages" : `/messages/${encodeURIComponent(person)}`),
  people: "/people",
  settings: "/settings",
} as const;

const here = () => parse(location.pathname, location.search);

/** The page that is shown. */
export const route = signal<Route>(here());

/** Goes to an address of this site; with replace, back leads past the present one. */
export function navigate(to: string, how: { replace?: boolean } = {}): void {
  if (to !== location.pathname + location.search) history[how.replace ? "replaceState" : "pushState"](null, "", to);
  route.value = here();
}

/** Makes links of this site change the page without loading it anew; call it once. */
export function listen(): void {
  addEventListener("popstate", () => {
    route.value = here();
  });
  document.addEventListener("click", (event) => {
    const to = destination(event);
    if (to === undefined) return;
    event.preventDefault();
    navigate(to);
  });
}

type Press = Pick<MouseEvent, "target" | "defaultPrevented" | "button" | "metaKey" | "ctrlKey" | "shiftKey" | "altKey">;

/** The address of this site that a press leads to; undefined if the browser should see to it. */
export function destination(press: Press): string | undefined {
  if (press.defaultPrevented || press.button !== 0 || press.metaKey || press.ctrlKey || press.shiftKey || press.altKey) return undefined;
  const link = press.target instanceof Element ? press.target.closest("a") : null;
  if (link === null || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin) return undefined;
  return link.pathname + link.search;
}
