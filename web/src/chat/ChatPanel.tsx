import { useSignal, useSignalEffect } from "@preact/signals";
import { ArrowDown, MessageSquare } from "lucide";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Thread } from "../protocol.gen";
import { conversation, noteRead } from "../state/chats";
import { nameOf } from "../state/directory";
import { me } from "../state/session";
import { Icon } from "../ui/icon";
import { EmptyState, ErrorState, Loading } from "../ui/states";
import { announce } from "../ui/toast";
import { Composer } from "./Composer";
import { threadKey } from "./conversation";
import { MessageList } from "./MessageList";
import { t } from "./texts";
import "./chat.css";

interface ChatPanelProps {
  thread: Thread;
  /** The composer takes the focus when the panel opens. */
  autofocus?: boolean;
}

/** One conversation: its messages and the composer. It fills the box that it is put in. */
export function ChatPanel(props: ChatPanelProps) {
  return <Panel key={threadKey(props.thread)} {...props} />;
}

const nearEdge = 80; // px from the newest message that still count as being there
const fetchEdge = 600; // px from the oldest one at which the page before it is fetched

function Panel({ thread, autofocus = false }: ChatPanelProps) {
  const talk = conversation(thread);
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const below = useSignal(false); // something new has come while looking further up
  // Where the scroller stood before the list changed, measured from the end that stays.
  const anchor = useRef({ first: 0, fromEnd: 0 });
  const unreadFrom = useRef<number | undefined>(undefined);

  useEffect(() => {
    void talk.load();
  }, [talk]);

  const messages = talk.messages.value;
  const outbox = talk.outbox.value;
  const loaded = talk.loaded.value;
  const you = me.value?.id ?? "";
  if (loaded && unreadFrom.current === undefined) {
    unreadFrom.current = messages.find((message) => talk.isNew(message, you))?.order ?? 0;
  }

  // The place in the list stays where it is: at the end while one is there, else where one reads.
  const first = messages[0]?.order ?? 0;
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    if (atEnd.peek()) {
      const mark = box.querySelector<HTMLElement>(".chat-unread");
      if (anchor.current.first === 0 && mark !== null) box.scrollTop = mark.offsetTop - nearEdge;
      else box.scrollTop = box.scrollHeight;
    } else if (first < anchor.current.first) {
      box.scrollTop = box.scrollHeight - anchor.current.fromEnd;
    }
    anchor.current = { first, fromEnd: box.scrollHeight - box.scrollTop };
  }, [messages, outbox, loaded]);

  // A box that shrinks (a keyboard comes up) keeps its end in view.
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.peek()) box.scrollTop = box.scrollHeight;
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [loaded]);

  const look = () => {
    const box = scroller.current;
    if (!box) return;
    anchor.current.fromEnd = box.scrollHeight - box.scrollTop;
    atEnd.value = box.scrollHeight - box.scrollTop - box.clientHeight < nearEdge;
    if (atEnd.value) {
      below.value = false;
      seen();
    }
    if (box.scrollTop < fetchEdge && talk.more.peek() && talk.olderFault.peek() === undefined) void talk.loadOlder();
  };
  const seen = () => {
    if (document.visibilityState !== "visible" || !atEnd.peek()) return;
    talk.markRead();
    noteRead(thread);
  };
  const toEnd = () => {
    talk.trim();
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
    atEnd.value = true;
    look();
  };

  // What comes in is read if it is before the eyes, else said below; others hear it.
  const heard = useRef(0);
  useSignalEffect(() => {
    const last = talk.messages.value.at(-1);
    if (!talk.loaded.value || last === undefined) return;
    if (heard.current > 0 && last.order > heard.current && last.from !== me.peek()?.id) {
      announce(t("said", { name: nameOf(last.from), text: last.text.slice(0, 200) }));
      if (!atEnd.peek()) below.value = true;
    }
    heard.current = last.order;
    seen();
  });
  useEffect(() => {
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, []);

  const send = (text: string) => {
    talk.send(text);
    toEnd();
  };

  return (
    <div class="chat">
      <div class="chat-messages">
        <div ref={scroller} class="chat-scroll" role="log" aria-live="off" aria-label={t("conversation")} tabIndex={0} onScroll={look}>
          {!loaded ? (
            talk.fault.value ? (
              <ErrorState fault={talk.fault.value} onRetry={() => void talk.load()} />
            ) : (
              <Loading />
            )
          ) : messages.length === 0 && outbox.length === 0 ? (
            <EmptyState icon={MessageSquare} title={t("empty")}>
              {t("empty_text")}
            </EmptyState>
          ) : (
            <MessageList talk={talk} you={you} unreadFrom={unreadFrom.current ?? 0} />
          )}
        </div>
        {!atEnd.value && loaded && (
          <button type="button" class="chat-jump" onClick={toEnd}>
            <Icon of={ArrowDown} size={16} />
            <span>{below.value ? t("new_below") : t("newest")}</span>
          </button>
        )}
      </div>
      <Composer draft={talk.draft} autofocus={autofocus} onSend={send} />
    </div>
  );
}
