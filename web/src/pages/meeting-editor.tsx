import { useSignal } from "@preact/signals";
import { day, hijri, length, zone } from "../i18n/dates";
import { pick } from "../i18n/dictionary";
import { Refused } from "../net/refused";
import type { Meeting, MeetingSave, Multilingual, SharePolicy } from "../protocol.gen";
import { navigate, paths } from "../router";
import { socket } from "../state/connection";
import { nameOf } from "../state/directory";
import { saveMeeting } from "../state/meetings";
import { me } from "../state/session";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { CheckField, ChoiceField, SelectField, TextField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { t as common } from "../ui/texts";
import { toast } from "../ui/toast";
import { InvitePicker, type Invited } from "./invite-picker";
import { t } from "./home-texts";
import "./meeting-editor.css";

/** What the editor is opened for. */
export type Edit = { kind: "now" } | { kind: "schedule" } | { kind: "change"; meeting: Meeting };

interface MeetingEditorProps {
  edit: Edit;
  onClose: () => void;
}

const lengths = [15, 30, 45, 60, 90, 120, 180, 240, 480] as const; // minutes
const longestTitle = 200; // runes, as the protocol's MaxTitleRunes
const leeway = 5 * 60_000; // ms that a start may lie in the past while one is still typing

/** Starts a meeting now, plans one, or changes a plan. */
export function MeetingEditor({ edit, onClose }: MeetingEditorProps) {
  const you = me.value!;
  const before = edit.kind === "change" ? edit.meeting : undefined;
  const start = before?.starts ?? nextHalfHour(socket.now());

  const title = useSignal<Multilingual>(before?.title ?? (edit.kind === "now" ? ownTitle(you.name) : {}));
  const date = useSignal(dateValue(start));
  const clock = useSignal(clockValue(start));
  const minutes = useSignal(before?.minutes ?? 60);
  const invited = useSignal<Invited>(before ?? { people: [], units: [] });
  const chair = useSignal(before?.chair ?? you.id);
  const lobby = useSignal(before?.lobby ?? true);
  const share = useSignal<SharePolicy>(before?.share ?? "everyone");
  const tried = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);

  const starts = momentOf(date.value, clock.value);
  const untitled = !pick(title.value).trim();
  const moved = starts !== before?.starts;
  const past = starts !== undefined && moved && starts < socket.now() - leeway;
  const timeless = edit.kind !== "now" && (starts === undefined || past);

  const save = async () => {
    tried.value = true;
    if (busy.value || untitled || timeless) return;
    busy.value = true;
    fault.value = undefined;
    const body: MeetingSave = {
      ...(before && { id: before.id }),
      title: cleaned(title.value),
      starts: edit.kind === "now" ? 0 : starts!,
      minutes: minutes.value,
      chair: chair.value,
      people: [...invited.value.people],
      units: [...invited.value.units],
      lobby: lobby.value,
      share: share.value,
    };
    try {
      const meeting = await saveMeeting(body);
      if (edit.kind === "now") navigate(paths.meeting(meeting.id));
      else toast(before ? t("saved") : t("created"), "good");
      onClose();
    } catch (error) {
      fault.value = Refused.from(error);
      busy.value = false;
    }
  };

  const setTitle = (language: "ar" | "en") => (value: string) => {
    title.value = { ...title.value, [language]: value };
  };
  const chairs = [...new Set([you.id, chair.value, ...invited.value.people])];
  const lengthOptions = [...new Set([...lengths, minutes.value])].sort((a, b) => a - b);
  const when = starts === undefined ? undefined : `${day(starts)} · ${hijri(starts)}`;
  return (
    <Dialog
      title={edit.kind === "now" ? t("new_now") : before ? t("edit_title") : t("new_scheduled")}
      size="wide"
      keepOnOutside
      onClose={onClose}
      onSubmit={() => void save()}
      actions={
        <>
          <Button onClick={onClose}>{common("cancel")}</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {edit.kind === "now" ? t("begin") : before ? t("save") : t("create")}
          </Button>
        </>
      }
    >
      <div class="editor-pair">
        <TextField
          label={t("title_ar")}
          lang="ar"
          dir="rtl"
          maxLength={longestTitle}
          value={title.value.ar ?? ""}
          error={tried.value && untitled ? t("title_missing") : undefined}
          onValue={setTitle("ar")}
        />
        <TextField label={t("title_en")} lang="en" dir="ltr" maxLength={longestTitle} value={title.value.en ?? ""} onValue={setTitle("en")} />
      </div>
      {edit.kind !== "now" && (
        <div class="editor-times">
          <TextField
            label={t("date")}
            type="date"
            min={dateValue(socket.now())}
            value={date.value}
            hint={when}
            error={tried.value && starts === undefined ? t("time_missing") : past ? t("time_past") : undefined}
            onValue={(value) => {
              date.value = value;
            }}
          />
          <TextField
            label={t("time")}
            type="time"
            step={300}
            value={clock.value}
            hint={t("time_hint", { zone: zone(starts ?? socket.now()) })}
            onValue={(value) => {
              clock.value = value;
            }}
          />
          <SelectField
            label={t("length")}
            value={String(minutes.value)}
            options={lengthOptions.map((each) => ({ value: String(each), label: length(each) }))}
            onValue={(value) => {
              minutes.value = Number(value);
            }}
          />
        </div>
      )}
      <InvitePicker
        invited={invited.value}
        onChange={(value) => {
          invited.value = value;
          if (chair.value !== you.id && chair.value !== before?.chair && !value.people.includes(chair.value)) chair.value = you.id;
        }}
      />
      <details class="editor-options" open={edit.kind !== "now"}>
        <summary>{t("options")}</summary>
        <div class="stack">
          <SelectField
            label={t("chair")}
            value={chair.value}
            options={chairs.map((id) => ({ value: id, label: nameOf(id) || pick(you.name) }))}
            onValue={(value) => {
              chair.value = value;
            }}
          />
          <ChoiceField<SharePolicy>
            legend={t("share")}
            value={share.value}
            options={[
              { value: "everyone", label: t("share_everyone") },
              { value: "chairs", label: t("share_chairs") },
            ]}
            onValue={(value) => {
              share.value = value;
            }}
          />
          <CheckField
            label={t("use_lobby")}
            hint={t("use_lobby_hint")}
            checked={lobby.value}
            onChecked={(checked) => {
              lobby.value = checked;
            }}
          />
        </div>
      </details>
      <FaultNote fault={fault.value} />
    </Dialog>
  );
}

// ownTitle is "Amal's meeting" in each language that the name has.
function ownTitle(name: Multilingual): Multilingual {
  const { entries } = t;
  const ar = name.ar && entries.meeting_of.ar.replace("{name}", name.ar);
  const en = name.en && entries.meeting_of.en.replace("{name}", name.en);
  return { ...(ar && { ar }), ...(en && { en }) };
}

function cleaned(title: Multilingual): Multilingual {
  return Object.fromEntries(Object.entries(title).flatMap(([language, text]: [string, string]) => (text.trim() ? [[language, text.trim()]] : [])));
}

function nextHalfHour(at: number): number {
  const half = 30 * 60_000;
  return Math.ceil((at + 1) / half) * half;
}

const two = (value: number) => String(value).padStart(2, "0");

function dateValue(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function clockValue(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

// momentOf reads the fields as local time; undefined if one of them is empty.
function momentOf(date: string, clock: string): number | undefined {
  const at = new Date(`${date}T${clock}`).getTime();
  return Number.isNaN(at) ? undefined : at;
}
