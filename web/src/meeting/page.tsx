import { useEffect, useState } from "preact/hooks";
import { socket } from "../state/connection";
import { nameOf } from "../state/directory";
import { me } from "../state/session";
import { Loading } from "../ui/states";
import { Looking, Over, Prejoin, WaitingRoom } from "./gate";
import { Room } from "./room";
import { MeetingSession } from "./session";
import { expose } from "./support";
import { t } from "./texts";
import "./meeting.css";
import "./gate.css";

/** One meeting, from the first look to the end. */
export function MeetingPage({ id }: { id: string }) {
  const person = me.value?.id;
  const [session, setSession] = useState<MeetingSession>();
  useEffect(() => {
    if (!person) return;
    const made = new MeetingSession(socket, id, person, nameOf);
    const hide = expose(made);
    setSession(made);
    return () => {
      hide();
      made.dispose();
    };
  }, [id, person]);
  if (!session) return <Loading label={t("looking")} />;
  switch (session.phase.value) {
    case "looking":
      return <Looking session={session} />;
    case "prejoin":
    case "joining":
      return <Prejoin session={session} />;
    case "waiting":
      return <WaitingRoom session={session} />;
    case "seated":
      return <Room session={session} />;
    case "over":
      return <Over session={session} />;
  }
}
