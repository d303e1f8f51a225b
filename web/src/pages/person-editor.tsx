import { useSignal } from "@preact/signals";
import { Copy } from "lucide";
import { collate, type Language, languages, pick } from "../i18n/dictionary";
import { Refused } from "../net/refused";
import type { Multilingual, Person, Role } from "../protocol.gen";
import { socket } from "../state/connection";
import { putPerson, units } from "../state/directory";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { faultText } from "../ui/fault";
import { PasswordField, SelectField, TextField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { t as common } from "../ui/texts";
import { toast } from "../ui/toast";
import { t } from "./people-texts";

const roles: readonly Role[] = ["leader", "officer", "operator", "archivist", "auditor", "administrator"];

interface PersonEditorProps {
  /** Whom to change; a new person without. */
  person?: Person;
  onClose: () => void;
  /** With the first password, if the server has chosen one. */
  onSaved: (person: Person, password?: string) => void;
}

/** A person's card, as an administrator writes it. */
export function PersonEditor({ person, onClose, onSaved }: PersonEditorProps) {
  const name = useSignal<Multilingual>(person?.name ?? {});
  const title = useSignal<Multilingual>(person?.title ?? {});
  const login = useSignal(person?.login ?? "");
  const unit = useSignal(person?.unit ?? "");
  const role = useSignal<Role>(person?.role ?? "officer");
  const password = useSignal("");
  const tried = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);

  const nameless = !pick(name.value).trim();
  const save = async () => {
    tried.value = true;
    if (busy.value || nameless || login.value.trim() === "" || unit.value === "") return;
    busy.value = true;
    fault.value = undefined;
    try {
      const saved = await socket.request("people.save", {
        ...(person && { id: person.id }),
        login: login.value.trim(),
        name: trimmed(name.value),
        title: trimmed(title.value),
        unit: unit.value,
        role: role.value,
        disabled: person?.disabled ?? false,
        ...(password.value && { password: password.value }),
      });
      putPerson(saved.person);
      if (!saved.password) toast(t("saved"), "good"); // else the password is what is said
      onSaved(saved.person, saved.password);
    } catch (error) {
      fault.value = Refused.from(error);
      busy.value = false;
    }
  };

  // A refusal that names a field is said at the field, any other at the end.
  const refused = fault.value;
  const at = refused?.code === "name_taken" ? (refused.field ?? "login") : refused?.code === "weak_password" ? "password" : refused?.field;
  const known = ["login", "name", "title", "unit", "password"].includes(at ?? "");
  const errorAt = (field: string) => (refused && at === field ? faultText(refused) : undefined);

  const unitOptions = [...units.value.values()]
    .map((each) => ({ value: each.id, label: pick(each.name) }))
    .sort((a, b) => collate(a.label, b.label));
  return (
    <Dialog
      title={person ? t("edit_person", { name: pick(person.name) }) : t("new_person")}
      size="wide"
      keepOnOutside
      onClose={onClose}
      onSubmit={() => void save()}
      actions={
        <>
          <Button onClick={onClose}>{common("cancel")}</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {person ? t("save") : t("add")}
          </Button>
        </>
      }
    >
      <InLanguages
        legend={t("names")}
        value={name.value}
        error={tried.value && nameless ? t("name_missing") : errorAt("name")}
        onValue={(value) => {
          name.value = value;
        }}
      />
      <InLanguages
        legend={`${t("titles")} (${common("optional")})`}
        value={title.value}
        error={errorAt("title")}
        onValue={(value) => {
          title.value = value;
        }}
      />
      <div class="editor-pair">
        <SelectField
          label={t("unit")}
          value={unit.value}
          options={[...(unit.value === "" ? [{ value: "", label: t("choose_unit") }] : []), ...unitOptions]}
          error={tried.value && unit.value === "" ? t("unit_missing") : errorAt("unit")}
          onValue={(value) => {
            unit.value = value;
          }}
        />
        <SelectField<Role>
          label={t("role")}
          value={role.value}
          options={roles.map((each) => ({ value: each, label: t(`role_${each}`) }))}
          onValue={(value) => {
            role.value = value;
          }}
        />
      </div>
      <div class="editor-pair">
        <TextField
          label={t("login")}
          dir="auto"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          hint={t("login_hint")}
          value={login.value}
          error={tried.value && login.value.trim() === "" ? t("login_missing") : errorAt("login")}
          onValue={(value) => {
            login.value = value;
          }}
        />
        {!person && (
          <PasswordField
            label={t("first_password")}
            optional
            autocomplete="new-password"
            hint={t("first_password_hint")}
            error={errorAt("password")}
            value={password.value}
            onValue={(value) => {
              password.value = value;
            }}
          />
        )}
      </div>
      {refused && !known && <FaultNote fault={refused} />}
    </Dialog>
  );
}

function trimmed(text: Multilingual): Multilingual {
  const result: Multilingual = {};
  for (const language of languages) {
    const value = text[language]?.trim();
    if (value) result[language] = value;
  }
  return result;
}

const directions: Record<Language, "rtl" | "ltr"> = { ar: "rtl", en: "ltr", fr: "ltr" };

interface InLanguagesProps {
  legend: string;
  value: Multilingual;
  error?: string | undefined;
  onValue: (value: Multilingual) => void;
}

/** One text in the three languages. */
export function InLanguages({ legend, value, error, onValue }: InLanguagesProps) {
  return (
    <fieldset class="in-languages">
      <legend>{legend}</legend>
      <div>
        {languages.map((language, index) => (
          <TextField
            key={language}
            label={t(`in_${language}`)}
            lang={language}
            dir={directions[language]}
            autocomplete="off"
            maxLength={120}
            error={index === 0 ? error : undefined}
            value={value[language] ?? ""}
            onValue={(text) => onValue({ ...value, [language]: text })}
          />
        ))}
      </div>
    </fieldset>
  );
}

interface PasswordOnceProps {
  name: string;
  password: string;
  onClose: () => void;
}

/** Shows a password that the server has chosen, this one time. */
export function PasswordOnce({ name, password, onClose }: PasswordOnceProps) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(password);
      copied.value = common("copied");
    } catch {
      copied.value = t("copy_refused");
    }
  };
  const copied = useSignal("");
  return (
    <Dialog
      title={t("password_for", { name })}
      keepOnOutside
      onClose={onClose}
      actions={
        <Button kind="primary" onClick={onClose}>
          {t("password_done")}
        </Button>
      }
    >
      <p>{t("password_once")}</p>
      <div class="password-once">
        <code dir="ltr">{password}</code>
        <Button size="small" icon={Copy} onClick={() => void copy()}>
          {common("copy")}
        </Button>
      </div>
      <p role="status">{copied.value}</p>
    </Dialog>
  );
}
