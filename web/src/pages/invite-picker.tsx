import { useSignal } from "@preact/signals";
import { Building2, X } from "lucide";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { collate, fold, pick } from "../i18n/dictionary";
import type { PersonID, UnitID } from "../protocol.gen";
import { activePeople, nameOf, units } from "../state/directory";
import { me } from "../state/session";
import { Icon } from "../ui/icon";
import { place } from "../ui/menu";
import { Avatar, matchesPerson, PersonName, PersonPlace } from "../ui/person";
import { announce } from "../ui/toast";
import { t } from "./home-texts";
import "./invite-picker.css";

export interface Invited {
  people: readonly PersonID[];
  units: readonly UnitID[];
}

interface InvitePickerProps {
  invited: Invited;
  onChange: (invited: Invited) => void;
}

type Choice = { kind: "person"; id: PersonID; name: string } | { kind: "unit"; id: UnitID; name: string };

const most = 50; // choices that are listed at once; a longer search word finds the rest

/** Finds people and whole units by any of their names (WAI-ARIA combobox with a list). */
export function InvitePicker({ invited, onChange }: InvitePickerProps) {
  const id = useId();
  const search = useSignal("");
  const open = useSignal(false);
  const active = useSignal(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);

  const choices = open.value ? find(search.value, invited) : [];
  const at = Math.min(active.value, choices.length - 1);
  const add = (choice: Choice) => {
    onChange(
      choice.kind === "person" ? { ...invited, people: [...invited.people, choice.id] } : { ...invited, units: [...invited.units, choice.id] },
    );
    announce(t("added", { name: choice.name }));
    search.value = "";
    active.value = 0;
    field.current?.focus();
  };
  const remove = (choice: Choice) => {
    onChange({
      people: choice.kind === "person" ? invited.people.filter((each) => each !== choice.id) : invited.people,
      units: choice.kind === "unit" ? invited.units.filter((each) => each !== choice.id) : invited.units,
    });
    announce(t("removed", { name: choice.name }));
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        if (!open.value) open.value = true;
        else if (choices.length > 0) active.value = (at + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length;
        document.getElementById(`${id}-${active.value}`)?.scrollIntoView({ block: "nearest" });
        return;
      }
      case "Enter":
        // Enter never sends the form from here: it chooses, or does nothing.
        event.preventDefault();
        if (open.value && choices[at]) add(choices[at]);
        return;
      case "Escape":
        if (!open.value) return;
        event.preventDefault();
        event.stopPropagation();
        open.value = false;
        return;
      case "Backspace": {
        const last = chosen(invited).at(-1);
        if (search.value === "" && last) remove(last);
      }
    }
  };

  // The list lies above everything, so that the dialog around it neither clips it nor moves.
  useLayoutEffect(() => {
    if (!list.current || !field.current) return;
    list.current.togglePopover(open.value);
    if (!open.value) return;
    list.current.style.inlineSize = `${field.current.offsetWidth}px`;
    place(list.current, field.current);
  }, [open.value, choices.length]);
  useEffect(() => {
    if (!open.value) return;
    const follow = (event: Event) => {
      if (event.target !== list.current && list.current && field.current) place(list.current, field.current);
    };
    addEventListener("scroll", follow, { capture: true, passive: true });
    addEventListener("resize", follow);
    return () => {
      removeEventListener("scroll", follow, { capture: true });
      removeEventListener("resize", follow);
    };
  }, [open.value]);

  return (
    <div class="invite">
      <label class="field-label" for={id}>
        {t("invite")}
      </label>
      <Chosen invited={invited} onRemove={remove} />
      <div>
        <input
          ref={field}
          id={id}
          class="input"
          type="text"
          role="combobox"
          autocomplete="off"
          dir="auto"
          placeholder={t("invite_search")}
          aria-expanded={open.value}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open.value && choices.length > 0 ? `${id}-${at}` : undefined}
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
            active.value = 0;
            open.value = true;
          }}
          onClick={() => {
            open.value = true;
          }}
          onBlur={() => {
            open.value = false;
          }}
          onKeyDown={onKeyDown}
        />
        <ul ref={list} id={`${id}-list`} popover="manual" class="invite-list" role="listbox" aria-label={t("invite")}>
          {choices.map((choice, index) => (
            <li
              key={`${choice.kind}${choice.id}`}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              class="invite-choice"
              onMouseDown={(event) => {
                event.preventDefault(); // the field keeps the focus
                add(choice);
              }}
            >
              {choice.kind === "person" ? (
                <>
                  <Avatar id={choice.id} size="small" />
                  <span class="invite-who">
                    <PersonName id={choice.id} />
                    <PersonPlace id={choice.id} />
                  </span>
                </>
              ) : (
                <>
                  <UnitMark />
                  <span class="invite-who">
                    <bdi>{choice.name}</bdi>
                    <span class="person-place">{t("whole_unit")}</span>
                  </span>
                </>
              )}
            </li>
          ))}
          {open.value && choices.length === 0 && (
            <li class="invite-no-match" role="option" aria-selected={false} aria-disabled>
              {t("invite_no_match")}
            </li>
          )}
        </ul>
        <p class="unseen" role="status">
          {open.value && search.value !== "" ? t("invite_count", { count: choices.length }) : ""}
        </p>
      </div>
    </div>
  );
}

function Chosen({ invited, onRemove }: { invited: Invited; onRemove: (choice: Choice) => void }) {
  const all = chosen(invited);
  if (all.length === 0) return <p class="field-note">{t("invite_none")}</p>;
  return (
    <ul class="invite-chosen" aria-label={t("invite")}>
      {all.map((choice) => (
        <li key={`${choice.kind}${choice.id}`}>
          {choice.kind === "person" ? <Avatar id={choice.id} size="small" /> : <UnitMark />}
          <bdi>{choice.name}</bdi>
          <button type="button" aria-label={t("remove", { name: choice.name })} title={t("remove", { name: choice.name })} onClick={() => onRemove(choice)}>
            <Icon of={X} size={16} />
          </button>
        </li>
      ))}
    </ul>
  );
}

function UnitMark() {
  return (
    <span class="invite-unit">
      <Icon of={Building2} size={18} />
    </span>
  );
}

const unitName = (id: UnitID) => pick(units.value.get(id)?.name);

function chosen(invited: Invited): Choice[] {
  return [
    ...invited.units.map((id): Choice => ({ kind: "unit", id, name: unitName(id) })),
    ...invited.people.map((id): Choice => ({ kind: "person", id, name: nameOf(id) })),
  ];
}

function find(search: string, invited: Invited): Choice[] {
  const words = fold(search).trim();
  const isUnit = ({ name }: { name: { ar?: string; en?: string; fr?: string } }) => fold([name.ar, name.en, name.fr].join(" ")).includes(words);
  const matchingUnits = [...units.value.values()]
    .filter((unit) => !invited.units.includes(unit.id) && isUnit(unit))
    .map((unit): Choice => ({ kind: "unit", id: unit.id, name: pick(unit.name) }));
  const matchingPeople = activePeople.value
    .filter((person) => person.id !== me.value?.id && !invited.people.includes(person.id) && matchesPerson(person.id, words))
    .map((person): Choice => ({ kind: "person", id: person.id, name: pick(person.name) }));
  matchingUnits.sort((a, b) => collate(a.name, b.name));
  return [...matchingPeople, ...matchingUnits].slice(0, most);
}
