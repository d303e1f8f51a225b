import { language } from "../i18n/dictionary";
import { Socket } from "../net/socket";

/** The page's one connection to the server. */
export const socket = new Socket({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/signaling`,
  language: () => language.peek(),
});
