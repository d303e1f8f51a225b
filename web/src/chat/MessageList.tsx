import { Check, CheckCheck, CircleAlert, Clock } from "lucide";
import { Fragment } from "preact";
import { day, dayWord, hijri, sameDay, time } from "../i18n/dates";
import type { ChatMessage, PersonID } from "../protocol.gen";
import { socket } from "../state/connection";
import { Button } from "../ui/button";
import { faultText } from "../ui/fault";
import { Icon } from "../ui/icon";
import { Avatar, PersonName } from "../ui/person";
import { FaultNote } from "../ui/states";
import type { Conversation, Outgoing } from "./conversation";
import { pieces } from "./links";
import { t } from "./texts";

interface MessageListProps {
  talk: Conversation;
  you: PersonID;
  /** The order of the first message that was unread when the panel opened; 0 for none. */
  unreadFrom: number;
}

const together = 5 * 60_000; // ms within which messages of one person stand as one group

/** The messages of a conversation, day by day, then what is on its way out. */
export function MessageList({ talk, you, unreadFrom }: MessageListProps) {
  const messages = talk.messages.value;
  const isPair = talk.thread.person !== undefined;
  return (
    <>
      <div class="chat-edge">
        {talk.olderFault.value ? (
          <>
            <FaultNote fault={talk.olderFault.value} />
            <Button size="small" onClick={() => void talk.loadOlder()}>
              {t("retry")}
            </Button>
          </>
        ) : talk.more.value ? (
          t("older")
        ) : (
          t("beginning")
        )}
      </div>
      <ol class="chat-list">
        {messages.map((message, index) => {
          const before = messages[index - 1];
          const newDay = before === undefined || !sameDay(before.at, message.at);
          const isFirst = newDay || before.from !== message.from || message.at - before.at > together || message.order === unreadFrom;
          return (
            <Fragment key={message.id}>
              {newDay && <DayRule at={message.at} />}
              {message.order === unreadFrom && (
                <li class="chat-unread">
                  <span>{t("unread_from_here")}</span>
                </li>
              )}
              <Message
                message={message}
                mine={message.from === you}
                first={isFirst}
                nameless={isPair}
                state={message.from === you && isPair ? (talk.isRead(message) ? "read" : "stored") : undefined}
              />
            </Fragment>
          );
        })}
        {talk.outbox.value.map((outgoing) => (
          <Waiting key={outgoing.key} talk={talk} outgoing={outgoing} />
        ))}
      </ol>
    </>
  );
}

function DayRule({ at }: { at: number }) {
  return (
    <li class="chat-day">
      <span>
        {dayWord(at, socket.now()) ?? day(at)} <span class="chat-hijri">· {hijri(at)}</span>
      </span>
    </li>
  );
}

interface MessageProps {
  message: ChatMessage;
  mine: boolean;
  /** The first of a group says who wrote. */
  first: boolean;
  /** In a conversation of two, everyone knows who the other one is. */
  nameless: boolean;
  state: "stored" | "read" | undefined;
}

function Message({ message, mine, first, nameless, state }: MessageProps) {
  return (
    <li class={`chat-message ${mine ? "chat-mine" : "chat-theirs"} ${first ? "chat-first" : ""}`}>
      {!mine && !nameless && <span class="chat-avatar">{first && <Avatar id={message.from} size="small" />}</span>}
      <div class="chat-bubble">
        {first && !mine && !nameless ? (
          <p class="chat-from">
            <PersonName id={message.from} />
          </p>
        ) : (
          <span class="unseen">{mine ? t("you") : <PersonName id={message.from} />}</span>
        )}
        <MessageText text={message.text} />
        <p class="chat-meta figures">
          <time dateTime={new Date(message.at).toISOString()} title={day(message.at)}>
            {time(message.at)}
          </time>
          {state && (
            <span class={`chat-state chat-state-${state}`} title={t(state)}>
              <Icon of={state === "read" ? CheckCheck : Check} size={14} />
              <span class="unseen">{t(state)}</span>
            </span>
          )}
        </p>
      </div>
    </li>
  );
}

function Waiting({ talk, outgoing }: { talk: Conversation; outgoing: Outgoing }) {
  const { fault } = outgoing;
  const connected = socket.status.value === "connected";
  return (
    <li class="chat-message chat-mine chat-first chat-waiting">
      <div class="chat-bubble">
        <span class="unseen">{t("you")}</span>
        <MessageText text={outgoing.text} />
        {fault === undefined ? (
          <p class="chat-meta">
            <Icon of={Clock} size={14} />
            <span class={connected ? "unseen" : ""}>{connected ? t("sending") : t("waiting")}</span>
          </p>
        ) : (
          <div class="chat-failed" role="alert">
            <p>
              <Icon of={CircleAlert} size={16} /> {t("failed")} {faultText(fault)}
            </p>
            <Button size="small" onClick={() => talk.retry(outgoing.key)}>
              {t("retry")}
            </Button>
            <Button size="small" kind="quiet" onClick={() => talk.discard(outgoing.key)}>
              {t("discard")}
            </Button>
          </div>
        )}
      </div>
    </li>
  );
}

// Each line is a paragraph with a direction of its own, as its writer saw it.
function MessageText({ text }: { text: string }) {
  return (
    <div class="chat-text">
      {text.split("\n").map((line, index) => (
        <p key={index} dir="auto">
          {line === ""
            ? "\u200b"
            : pieces(line).map((piece) =>
                "href" in piece ? (
                  <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
                    {piece.text}
                    <span class="unseen"> ({t("opens_elsewhere")})</span>
                  </a>
                ) : (
                  piece.text
                ),
              )}
        </p>
      ))}
    </div>
  );
}
