import type { Code, Enrol, PasswordChange, Refusal, SessionInfo, SignIn } from "../protocol.gen";
import { Refused } from "./refused";

// The few requests that set or need a cookie (signaling/protocol/http.go). Everything else
// goes over the socket.

export const getSession = () => call<SessionInfo>("GET", "/api/session");
export const postSession = (body: SignIn) => call<SessionInfo>("POST", "/api/session", body);
export const deleteSession = () => call<void>("DELETE", "/api/session");
export const deleteSessions = () => call<void>("DELETE", "/api/sessions");
export const postPassword = (body: PasswordChange) => call<SessionInfo>("POST", "/api/password", body);
export const postEnrol = (body: Enrol) => call<SessionInfo>("POST", "/api/enrol", body);

const patience = 15_000; // ms until a request without an answer is given up

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    throw new Refused({ code: "offline", detail: String(error) });
  }
  let value: unknown;
  try {
    value = text === "" ? undefined : JSON.parse(text);
  } catch {
    // Not JSON: an error page of a proxy in between. The status speaks for it below.
  }
  if (response.ok) return value as T;
  if (isRefusal(value)) throw new Refused(value);
  throw new Refused({ code: codeOf(response.status), detail: `HTTP ${response.status}` });
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && typeof (value as Refusal).code === "string";
}

function codeOf(status: number): Code {
  switch (status) {
    case 401:
      return "unauthenticated";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 429:
      return "rate_limited";
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "internal";
  }
}
