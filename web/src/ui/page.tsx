import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../i18n/dictionary";
import { unreadTotal } from "../state/chats";
import { t } from "../texts";
import "./page.css";

let first = true;

interface PageProps {
  title: string;
  /** What stands at the end of the heading's line. */
  actions?: ComponentChildren;
  /** A page that fills the window and scrolls inside, as conversations do. */
  full?: boolean;
  /** The heading is heard but not drawn, where the page says the same. */
  titleUnseen?: boolean;
  children: ComponentChildren;
}

/** The content of one address: names the window, and takes the focus when one gets here. */
export function Page({ title, actions, full = false, titleUnseen = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useEffect(() => {
    if (!first && !heading.current?.closest("main")?.contains(document.activeElement)) heading.current?.focus({ preventScroll: true });
    first = false;
  }, []);
  return (
    <main id="content" class={full ? "page page-full" : "page"}>
      <header class={titleUnseen ? "unseen" : "page-head"}>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </main>
  );
}

/** Names the window, and says in it how much is unread. */
export function useTitle(title: string): void {
  const unread = unreadTotal.value;
  const whole = `${unread > 0 ? `(${number(unread)}) ` : ""}${title} · ${t("name")}`;
  useEffect(() => {
    document.title = whole;
  }, [whole]);
}
