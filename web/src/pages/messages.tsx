import { useSignal } from "@preact/signals";
import { ArrowRight, MessageSquare, UserX } from "lucide";
import { ChatPanel } from "../chat/ChatPanel";
import { sameDay, shortDay, time } from "../i18n/dates";
import { number } from "../i18n/dictionary";
import type { ChatThread, PersonID } from "../protocol.gen";
import { paths } from "../router";
import { loadThreads, threads, threadsFault, threadsLoaded } from "../state/chats";
import { activePeople, directoryLoaded, nameOf, people } from "../state/directory";
import { minute } from "../state/meetings";
import { me } from "../state/session";
import { t as frame } from "../texts";
import { moveWithArrows } from "../ui/arrows";
import { TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Page } from "../ui/page";
import { Avatar, matchesPerson, PersonName, PersonPlace } from "../ui/person";
import { EmptyState, ErrorState, Loading } from "../ui/states";
import { t as common } from "../ui/texts";
import { t } from "./messages-texts";
import "./messages.css";

interface MessagesPageProps {
  /** With whom; undefined shows the list alone. */
  person?: PersonID;
}

/** Letters' little sister: what two people write to each other. */
export function MessagesPage({ person }: MessagesPageProps) {
  const name = person === undefined ? "" : nameOf(person);
  return (
    <Page title={name === "" ? t("title") : t("with", { name })} full titleUnseen>
      <div class={person === undefined ? "messages" : "messages messages-open"}>
        <ThreadList {...(person === undefined ? {} : { selected: person })} />
        <section class="messages-talk">
          {person === undefined ? (
            <EmptyState icon={MessageSquare} title={t("choose")}>
              {t("choose_text")}
            </EmptyState>
          ) : (
            <Talk key={person} person={person} />
          )}
        </section>
      </div>
    </Page>
  );
}

function ThreadList({ selected }: { selected?: PersonID }) {
  const search = useSignal("");
  const words = search.value.trim();
  return (
    <div class="threads">
      <div class="threads-search">
        <TextField
          label={t("search")}
          labelUnseen
          type="search"
          dir="auto"
          placeholder={t("search")}
          autocomplete="off"
          value={search.value}
          onValue={(value) => {
            search.value = value;
          }}
        />
      </div>
      {words === "" ? (
        <Threads {...(selected === undefined ? {} : { selected })} />
      ) : (
        <Found
          words={words}
          onChoose={() => {
            search.value = "";
          }}
        />
      )}
    </div>
  );
}

function Threads({ selected }: { selected?: PersonID }) {
  if (!threadsLoaded.value) {
    return threadsFault.value ? <ErrorState fault={threadsFault.value} onRetry={() => void loadThreads()} /> : <Loading />;
  }
  if (threads.value.length === 0) {
    return (
      <EmptyState icon={MessageSquare} title={t("none")}>
        {t("none_text")}
      </EmptyState>
    );
  }
  return (
    <nav class="threads-scroll" aria-label={t("conversations")}>
      <ul onKeyDown={moveWithArrows}>
        {threads.value.map((thread) => (
          <ThreadItem key={thread.thread.person} thread={thread} isSelected={thread.thread.person === selected} />
        ))}
      </ul>
    </nav>
  );
}

function ThreadItem({ thread, isSelected }: { thread: ChatThread; isSelected: boolean }) {
  const person = thread.thread.person!;
  const { last, unread } = thread;
  return (
    <li>
      <a class={unread > 0 ? "thread thread-unread" : "thread"} href={paths.messages(person)} aria-current={isSelected ? "page" : undefined}>
        <Avatar id={person} presence />
        <span class="thread-what">
          <span class="thread-head">
            <span class="thread-name">
              <PersonName id={person} />
            </span>
            <time class="thread-time figures" dateTime={new Date(last.at).toISOString()}>
              {sameDay(last.at, minute.value) ? time(last.at) : shortDay(last.at)}
            </time>
          </span>
          <span class="thread-head">
            <span class="thread-last">
              {last.from === me.value?.id && t("you")}
              <bdi>{last.text.slice(0, 160)}</bdi>
            </span>
            {unread > 0 && (
              <span class="badge figures">
                <span aria-hidden="true">{number(unread)}</span>
                <span class="unseen">{frame("unread", { count: unread })}</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

const most = 50; // people that a search shows

function Found({ words, onChoose }: { words: string; onChoose: () => void }) {
  const found = activePeople.value.filter((person) => person.id !== me.value?.id && matchesPerson(person.id, words)).slice(0, most);
  if (found.length === 0) return <p class="threads-note">{t("no_match")}</p>;
  return (
    <nav class="threads-scroll" aria-label={t("found")}>
      <ul onKeyDown={moveWithArrows}>
        {found.map((person) => (
          <li key={person.id}>
            <a class="thread" href={paths.messages(person.id)} onClick={onChoose}>
              <Avatar id={person.id} presence />
              <span class="thread-what">
                <span class="thread-name">
                  <PersonName id={person.id} />
                </span>
                <PersonPlace id={person.id} />
              </span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Talk({ person }: { person: PersonID }) {
  const known = people.value.get(person);
  if (known === undefined || person === me.value?.id) {
    if (!directoryLoaded.value) return <Loading />;
    return (
      <EmptyState icon={UserX} title={t("unknown")}>
        {t("unknown_text")}
      </EmptyState>
    );
  }
  return (
    <>
      <header class="talk-head">
        <a class="button button-quiet button-icon talk-back" href={paths.messages()} aria-label={t("back")} title={t("back")}>
          <span class="talk-back-arrow">
            <Icon of={ArrowRight} />
          </span>
        </a>
        <Avatar id={person} />
        <span class="talk-who">
          <strong>
            <PersonName id={person} />
          </strong>
          <span class="talk-place">
            <PersonPlace id={person} />
            <span class={known.online ? "talk-online" : "person-place"}>{known.online ? common("online") : t("away")}</span>
          </span>
        </span>
      </header>
      {known.disabled && <p class="talk-gone">{t("gone")}</p>}
      <ChatPanel thread={{ person }} autofocus={matchMedia("(pointer: fine)").matches} />
    </>
  );
}
