import { useSignal } from "@preact/signals";
import { Building2, EllipsisVertical, KeyRound, LogOut, Pencil, Plus, SearchX, UserCheck, UserX } from "lucide";
import { collate, fold, pick } from "../i18n/dictionary";
import type { Person, PersonID, Unit } from "../protocol.gen";
import { socket } from "../state/connection";
import { directoryFault, directoryLoaded, loadDirectory, nameOf, people, putPerson, sortedPeople, units } from "../state/directory";
import { me } from "../state/session";
import { Button, IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Menu, type MenuItem } from "../ui/menu";
import { Page } from "../ui/page";
import { Avatar, matchesPerson } from "../ui/person";
import { EmptyState, ErrorState, Loading } from "../ui/states";
import { type Column, Table } from "../ui/table";
import { Tabs } from "../ui/tabs";
import { toast, toastFault } from "../ui/toast";
import { PasswordOnce, PersonEditor } from "./person-editor";
import { t } from "./people-texts";
import { UnitEditor } from "./unit-editor";
import "./people.css";

type Shown = "people" | "units";

/** Administrators keep the list of people and units. */
export function PeoplePage() {
  const shown = useSignal<Shown>("people");
  return (
    <Page title={t("title")}>
      {!directoryLoaded.value ? (
        directoryFault.value ? (
          <ErrorState fault={directoryFault.value} onRetry={() => void loadDirectory()} />
        ) : (
          <Loading />
        )
      ) : (
        <Tabs<Shown>
          label={t("sections")}
          tabs={[
            { key: "people", label: t("people") },
            { key: "units", label: t("units") },
          ]}
          selected={shown.value}
          onSelect={(key) => {
            shown.value = key;
          }}
        >
          {shown.value === "people" ? <People /> : <Units />}
        </Tabs>
      )}
    </Page>
  );
}

// What a person is asked to confirm, or fills in, about one row.
type Doing = { what: "edit" | "reset" | "sign_out" | "disable"; person: Person } | { what: "add" } | { what: "password"; id: PersonID; password: string };

function People() {
  const search = useSignal("");
  const doing = useSignal<Doing | undefined>(undefined);
  const end = () => {
    doing.value = undefined;
  };
  const words = search.value.trim();
  const rows = sortedPeople.value.filter((person) => words === "" || matchesPerson(person.id, words));

  const enable = async (person: Person) => {
    try {
      putPerson((await socket.request("people.save", { ...cardOf(person), disabled: false })).person);
      toast(t("enabled", { name: pick(person.name) }), "good");
    } catch (error) {
      toastFault(error);
    }
  };
  const itemsFor = (person: Person): (MenuItem | "rule")[] => [
    { label: t("edit"), icon: Pencil, onSelect: () => void (doing.value = { what: "edit", person }) },
    { label: t("reset"), icon: KeyRound, onSelect: () => void (doing.value = { what: "reset", person }) },
    { label: t("sign_out"), icon: LogOut, onSelect: () => void (doing.value = { what: "sign_out", person }) },
    ...(person.id === me.value?.id
      ? []
      : [
          "rule" as const,
          person.disabled
            ? { label: t("enable"), icon: UserCheck, onSelect: () => void enable(person) }
            : { label: t("disable"), icon: UserX, danger: true, onSelect: () => void (doing.value = { what: "disable", person }) },
        ]),
  ];

  const columns: Column<Person>[] = [
    {
      key: "name",
      heading: t("name"),
      isRowHeading: true,
      cell: (person) => (
        <span class="people-name">
          <Avatar id={person.id} presence={!person.disabled} />
          <span>
            <bdi>{pick(person.name)}</bdi>
            {person.id === me.value?.id && <span class="people-mark">{t("you")}</span>}
            {person.disabled && <span class="people-mark people-disabled">{t("disabled")}</span>}
            <bdi class="person-place">{pick(person.title)}</bdi>
          </span>
        </span>
      ),
    },
    { key: "unit", heading: t("unit"), cell: (person) => <bdi>{pick(units.value.get(person.unit)?.name)}</bdi> },
    { key: "role", heading: t("role"), cell: (person) => t(`role_${person.role}`) },
    { key: "login", heading: t("login"), cell: (person) => <bdi class="people-login">{person.login}</bdi> },
    {
      key: "actions",
      heading: t("actions"),
      headingUnseen: true,
      cell: (person) => (
        <Menu label={t("actions_for", { name: pick(person.name) })} items={itemsFor(person)}>
          <Icon of={EllipsisVertical} />
        </Menu>
      ),
    },
  ];
  return (
    <div class="people">
      <div class="people-tools">
        <TextField
          label={t("search_people")}
          labelUnseen
          type="search"
          dir="auto"
          autocomplete="off"
          placeholder={t("search_people")}
          value={search.value}
          onValue={(value) => {
            search.value = value;
          }}
        />
        <span class="people-count" role="status">
          {t("shown", { count: rows.length })}
        </span>
        <Button kind="primary" icon={Plus} onClick={() => void (doing.value = { what: "add" })}>
          {t("add_person")}
        </Button>
      </div>
      {rows.length === 0 ? (
        <EmptyState icon={SearchX} title={t("no_match")}>
          {t("no_match_text")}
        </EmptyState>
      ) : (
        <div class="card people-card">
          <Table caption={t("people")} columns={columns} rows={rows} keyOf={(person) => person.id} isFaint={(person) => person.disabled === true} />
        </div>
      )}
      {doing.value && <Dialogs doing={doing.value} onNext={(next) => (next ? void (doing.value = next) : end())} />}
    </div>
  );
}

// cardOf is a person as people.save takes one.
const cardOf = ({ id, login, name, title, unit, role, disabled }: Person) => ({ id, login, name, title, unit, role, disabled: disabled ?? false });

function Dialogs({ doing, onNext }: { doing: Doing; onNext: (next?: Doing) => void }) {
  const busy = useSignal(false);
  const close = () => onNext();
  const attempt = async (act: () => Promise<Doing | void>) => {
    if (busy.value) return;
    busy.value = true;
    try {
      onNext((await act()) ?? undefined);
    } catch (error) {
      toastFault(error);
      onNext();
    } finally {
      busy.value = false;
    }
  };
  switch (doing.what) {
    case "add":
    case "edit":
      return (
        <PersonEditor
          {...(doing.what === "edit" ? { person: doing.person } : {})}
          onClose={close}
          onSaved={(person, password) => onNext(password ? { what: "password", id: person.id, password } : undefined)}
        />
      );
    case "password":
      return <PasswordOnce name={nameOf(doing.id)} password={doing.password} onClose={close} />;
    case "reset": {
      const { id } = doing.person;
      const reset = async (): Promise<Doing | void> => {
        const { person, password } = await socket.request("people.reset", { id });
        putPerson(person);
        if (password) return { what: "password", id, password };
      };
      return (
        <Confirm title={t("reset")} action={t("reset")} busy={busy.value} onConfirm={() => void attempt(reset)} onClose={close}>
          <p>{t("reset_text", { name: pick(doing.person.name) })}</p>
        </Confirm>
      );
    }
    case "sign_out": {
      const name = pick(doing.person.name);
      const signOut = async () => {
        await socket.request("people.sign_out", { id: doing.person.id });
        toast(t("signed_out", { name }), "good");
      };
      return (
        <Confirm title={t("sign_out")} action={t("sign_out")} busy={busy.value} onConfirm={() => void attempt(signOut)} onClose={close}>
          <p>{t("sign_out_text", { name })}</p>
        </Confirm>
      );
    }
    case "disable": {
      const name = pick(doing.person.name);
      const disable = async () => {
        putPerson((await socket.request("people.save", { ...cardOf(doing.person), disabled: true })).person);
        toast(t("was_disabled", { name }), "good");
      };
      return (
        <Confirm title={t("disable")} action={t("disable")} busy={busy.value} onConfirm={() => void attempt(disable)} onClose={close}>
          <p>{t("disable_text", { name })}</p>
        </Confirm>
      );
    }
  }
}

function Units() {
  const search = useSignal("");
  const editing = useSignal<{ unit?: Unit } | undefined>(undefined);
  const words = fold(search.value.trim());
  const kinds = { headquarters: 0, department: 1, mission: 2 };
  const rows = [...units.value.values()]
    .filter(({ name }) => fold([name.ar, name.en, name.fr].join(" ")).includes(words))
    .sort((a, b) => kinds[a.kind] - kinds[b.kind] || collate(pick(a.name), pick(b.name)));
  const members = new Map<string, number>();
  for (const { unit, disabled } of people.value.values()) if (!disabled) members.set(unit, (members.get(unit) ?? 0) + 1);

  const columns: Column<Unit>[] = [
    { key: "name", heading: t("name"), isRowHeading: true, cell: (unit) => <bdi>{pick(unit.name)}</bdi> },
    { key: "kind", heading: t("kind"), cell: (unit) => t(`kind_${unit.kind}`) },
    { key: "parent", heading: t("parent"), cell: (unit) => <bdi>{(unit.parent && pick(units.value.get(unit.parent)?.name)) || "—"}</bdi> },
    { key: "members", heading: t("members"), cell: (unit) => t("shown", { count: members.get(unit.id) ?? 0 }) },
    {
      key: "actions",
      heading: t("actions"),
      headingUnseen: true,
      cell: (unit) => <IconButton icon={Pencil} label={t("edit_named", { name: pick(unit.name) })} onClick={() => void (editing.value = { unit })} />,
    },
  ];
  return (
    <div class="people">
      <div class="people-tools">
        <TextField
          label={t("search_units")}
          labelUnseen
          type="search"
          dir="auto"
          autocomplete="off"
          placeholder={t("search_units")}
          value={search.value}
          onValue={(value) => {
            search.value = value;
          }}
        />
        <Button kind="primary" icon={Plus} onClick={() => void (editing.value = {})}>
          {t("add_unit")}
        </Button>
      </div>
      {rows.length === 0 ? (
        <EmptyState icon={Building2} title={words === "" ? t("no_units") : t("no_match")}>
          {words === "" ? t("no_units_text") : t("no_match_text")}
        </EmptyState>
      ) : (
        <div class="card people-card">
          <Table caption={t("units")} columns={columns} rows={rows} keyOf={(unit) => unit.id} />
        </div>
      )}
      {editing.value && <UnitEditor {...editing.value} onClose={() => void (editing.value = undefined)} />}
    </div>
  );
}
