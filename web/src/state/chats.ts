import { computed, signal } from "@preact/signals";
import { Conversation, threadKey } from "../chat/conversation";
import { Refused } from "../net/refused";
import type { ChatMessage, ChatThread, Thread } from "../protocol.gen";
import { socket } from "./connection";
import { me } from "./session";

/** The person's conversations with other persons, the latest first. */
export const threads = signal<readonly ChatThread[]>([]);
export const threadsLoaded = signal(false);
export const threadsFault = signal<Refused | undefined>(undefined);

/** Unread messages of all conversations with persons. */
export const unreadTotal = computed(() => threads.value.reduce((sum, thread) => sum + thread.unread, 0));

const conversations = new Map<string, Conversation>();

/** What the page knows of a thread; the same object for the same thread. */
export function conversation(thread: Thread): Conversation {
  const key = threadKey(thread);
  let found = conversations.get(key);
  if (found === undefined) conversations.set(key, (found = new Conversation(thread, socket, { now: () => socket.now(), stored: takeIn })));
  return found;
}

export async function loadThreads(): Promise<void> {
  try {
    const listed = await socket.request("chat.threads", {});
    threads.value = listed.threads.filter(({ thread }) => thread.person !== undefined);
    threadsLoaded.value = true;
    threadsFault.value = undefined;
  } catch (error) {
    threadsFault.value = Refused.from(error);
  }
}

// takeIn keeps the list of threads as the server would list it after this message.
function takeIn(message: ChatMessage): void {
  if (message.thread.person === undefined) return;
  const key = threadKey(message.thread);
  const old = threads.value.find(({ thread }) => threadKey(thread) === key);
  if (old !== undefined && old.last.order >= message.order) return;
  const unread = message.from === me.peek()?.id ? 0 : (old?.unread ?? 0) + 1;
  const rest = threads.value.filter((thread) => thread !== old);
  threads.value = [{ thread: message.thread, last: message, unread }, ...rest];
}

function takeInRead(thread: Thread, order: number): void {
  const key = threadKey(thread);
  threads.value = threads.value.map((each) =>
    threadKey(each.thread) === key && each.unread > 0 && order >= each.last.order ? { ...each, unread: 0 } : each,
  );
}

/** Notes in the list of threads what the conversation itself has told the server. */
export function noteRead(thread: Thread): void {
  takeInRead(thread, conversation(thread).read.peek());
}

export function followChats(): void {
  socket.onFresh(() => {
    void loadThreads();
    for (const each of conversations.values()) if (each.loaded.peek()) void each.load();
  });
  socket.on("chat.message", ({ message }) => {
    conversations.get(threadKey(message.thread))?.receive(message);
    takeIn(message);
  });
  socket.on("chat.read", ({ thread, person, order }) => {
    const mine = person === me.peek()?.id;
    conversations.get(threadKey(thread))?.receiveRead(mine, order);
    if (mine) takeInRead(thread, order);
  });
  // What is on its way out lives in this page alone: leaving it asks first.
  addEventListener("beforeunload", (event) => {
    if ([...conversations.values()].some(({ outbox }) => outbox.peek().length > 0)) event.preventDefault();
  });
}

/** Forgets everything of the person who signed out. */
export function forgetChats(): void {
  conversations.clear();
  threads.value = [];
  threadsLoaded.value = false;
}
