import { computed, signal } from "@preact/signals";
import { collate, pick } from "../i18n/dictionary";
import { Refused } from "../net/refused";
import type { Person, PersonID, Unit, UnitID } from "../protocol.gen";
import { socket } from "./connection";

/** Everyone whom the person may see, by id; empty until loaded. */
export const people = signal<ReadonlyMap<PersonID, Person>>(new Map());
export const units = signal<ReadonlyMap<UnitID, Unit>>(new Map());
export const directoryLoaded = signal(false);
export const directoryFault = signal<Refused | undefined>(undefined);

/** Everyone, sorted by name in the page's language; those who are disabled come last. */
export const sortedPeople = computed(() => {
  const named = [...people.value.values()].map((person) => ({ person, name: pick(person.name) }));
  named.sort((a, b) => Number(a.person.disabled ?? false) - Number(b.person.disabled ?? false) || collate(a.name, b.name));
  return named.map(({ person }) => person);
});

/** Those who can be written to and invited, sorted by name. */
export const activePeople = computed(() => sortedPeople.value.filter((person) => !person.disabled));

/** A person's name in the page's language; empty for someone unknown. */
export function nameOf(id: PersonID): string {
  return pick(people.value.get(id)?.name);
}

/** The name of a person's unit; empty for someone unknown. */
export function unitNameOf(id: PersonID): string {
  const person = people.value.get(id);
  return person === undefined ? "" : pick(units.value.get(person.unit)?.name);
}

export async function loadDirectory(): Promise<void> {
  try {
    const listed = await socket.request("people.list", {});
    people.value = new Map(listed.people.map((person) => [person.id, person]));
    units.value = new Map(listed.units.map((unit) => [unit.id, unit]));
    directoryLoaded.value = true;
    directoryFault.value = undefined;
  } catch (error) {
    directoryFault.value = Refused.from(error);
  }
}

/** Takes in a card as it is now, from an event or from the reply to a change. */
export function putPerson(person: Person): void {
  people.value = new Map(people.value).set(person.id, person);
}

export function putUnit(unit: Unit): void {
  units.value = new Map(units.value).set(unit.id, unit);
}

/** Forgets everything of the person who signed out. */
export function forgetDirectory(): void {
  people.value = new Map();
  units.value = new Map();
  directoryLoaded.value = false;
}

export function followDirectory(): void {
  socket.onFresh((welcome) => {
    units.value = new Map(welcome.units.map((unit) => [unit.id, unit]));
    void loadDirectory();
  });
  socket.on("people.changed", ({ person }) => putPerson(person));
  socket.on("units.changed", ({ unit }) => putUnit(unit));
}
