import { signal } from "@preact/signals";
import { CircleAlert, CircleCheck, Info, X } from "lucide";
import { Refused } from "../net/refused";
import { IconButton } from "./button";
import { faultCode, faultText } from "./fault";
import { Icon } from "./icon";
import { t } from "./texts";
import "./toast.css";

type Kind = "info" | "good" | "fault";

interface Notice {
  id: number;
  kind: Kind;
  text: string;
  code?: string;
}

const notices = signal<readonly Notice[]>([]);
const polite = signal("");
let ids = 0;

const shownFor: Record<Kind, number> = { info: 5_000, good: 4_000, fault: 10_000 }; // ms
const most = 3;

/** Says something short at the edge of the page; screen readers hear it too. */
export function toast(text: string, kind: Kind = "info", code?: string): void {
  const id = ++ids;
  const notice: Notice = code === undefined ? { id, kind, text } : { id, kind, text, code };
  notices.value = [...notices.value.slice(-(most - 1)), notice];
  setTimeout(() => dismiss(id), shownFor[kind]);
}

/** Says what was refused; for actions that have no place of their own for it. */
export function toastFault(thrown: unknown): void {
  const fault = Refused.from(thrown);
  toast(faultText(fault), "fault", faultCode(fault));
}

/** Tells screen readers only: what everyone else sees happen. */
export function announce(text: string): void {
  polite.value = "";
  requestAnimationFrame(() => {
    polite.value = text;
  });
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

const icons = { info: Info, good: CircleCheck, fault: CircleAlert };

/** The place of toasts and announcements; once per page, never taken away. */
export function Toasts() {
  return (
    <>
      <div class="toasts">
        <div role="status" aria-live="polite" class="toasts-list">
          {notices.value.map((notice) => (
            <div key={notice.id} class={`toast toast-${notice.kind}`}>
              <Icon of={icons[notice.kind]} />
              <p dir="auto">
                {notice.text}
                {notice.code && <small>{t("code", { code: notice.code })}</small>}
              </p>
              <IconButton icon={X} iconSize={16} label={t("close")} onClick={() => dismiss(notice.id)} />
            </div>
          ))}
        </div>
      </div>
      <div role="status" aria-live="polite" class="unseen">
        {polite.value}
      </div>
    </>
  );
}
