import { render } from "preact";
import { App, fetchAhead } from "./app";
import { listen } from "./router";
import { followChats, forgetChats } from "./state/chats";
import { followDirectory, forgetDirectory } from "./state/directory";
import { followMeetings, forgetMeetings } from "./state/meetings";
import { followSocket, loadSession, onAnotherPerson } from "./state/session";
import { keepSettings } from "./state/settings";
import "./tokens.css";
import "./fonts.css";
import "./base.css";

keepSettings();
listen();
followSocket();
followDirectory();
followMeetings();
followChats();
onAnotherPerson(() => {
  forgetDirectory();
  forgetMeetings();
  forgetChats();
});
void loadSession();
render(<App />, document.getElementById("app")!);
fetchAhead();
