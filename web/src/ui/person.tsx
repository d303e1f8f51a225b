import { Fragment } from "preact";
import { nameOf, people, unitNameOf, units } from "../state/directory";
import { fold, language, pick } from "../i18n/dictionary";
import type { Person, PersonID, Unit } from "../protocol.gen";
import { t } from "./texts";
import "./person.css";

/** The first letters of the first and the last word of a name, as its language writes them. */
export function initials(name: string): string {
  const all = name.trim().split(/\s+/).filter((word) => word !== "");
  const bare = all.filter((word) => !honorific.test(word));
  const words = bare.length > 0 ? bare : all;
  const first = letterOf(words[0]);
  const last = words.length > 1 ? letterOf(words.at(-1)) : "";
  // A zero-width non-joiner keeps two Arabic letters from running into one shape.
  return last === "" ? first : `${first}\u200c${last}`;
}

const honorific = /^(dr|mr|mrs|ms|prof|m|mme)$|\.$/i; // "Dr", "د."

// letterOf skips the Arabic article, which every second name begins with.
function letterOf(word = ""): string {
  const bare = word.length > 3 && /^[اٱ]ل/.test(word) ? word.slice(2) : word;
  return [...bare][0]?.toLocaleUpperCase() ?? "";
}

const hues = 8;

// hueOf gives a person one of the avatar colours, the same on every page and machine.
function hueOf(id: PersonID): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return sum % hues;
}

interface AvatarProps {
  id: PersonID;
  size?: "small" | "normal" | "large" | "huge";
  /** Shows whether the person is in the system now, by a dot and in words. */
  presence?: boolean;
}

/** A person's initials on their colour. The name stands beside it, so it is silent itself. */
export function Avatar({ id, size = "normal", presence = false }: AvatarProps) {
  const online = presence && people.value.get(id)?.online === true;
  return (
    <span class={`avatar avatar-${size} avatar-hue${hueOf(id)}`}>
      <span aria-hidden="true">{initials(nameOf(id))}</span>
      {online && (
        <span class="avatar-online">
          <span class="unseen">{t("online")}</span>
        </span>
      )}
    </span>
  );
}

/** A person's name, isolated from the direction of the text around it. */
export function PersonName({ id }: { id: PersonID }) {
  return <bdi>{nameOf(id) || "…"}</bdi>;
}

/** A person's title and unit, as far as known: "Ambassador, Mission in Cairo". */
export function PersonPlace({ id }: { id: PersonID }) {
  const parts = [pick(people.value.get(id)?.title), unitNameOf(id)].filter((part) => part !== "");
  return (
    <span class="person-place">
      {parts.map((part, index) => (
        <Fragment key={index}>
          {index > 0 && (language.value === "ar" ? "، " : ", ")}
          <bdi>{part}</bdi>
        </Fragment>
      ))}
    </span>
  );
}

// What a search looks at, folded once per card: a person is another object when it changes.
const folded = new WeakMap<Person, { unit: Unit | undefined; text: string }>();

function foldedOf(person: Person): string {
  const unit = units.value.get(person.unit);
  const known = folded.get(person);
  if (known !== undefined && known.unit === unit) return known.text;
  const words = [person.name, person.title, unit?.name ?? {}].flatMap((each) => [each.ar, each.en, each.fr]);
  const text = fold([...words, person.login].join(" "));
  folded.set(person, { unit, text });
  return text;
}

/** True if every word of the search is somewhere in a person's names, title, unit or login. */
export function matchesPerson(id: PersonID, search: string): boolean {
  const person = people.value.get(id);
  if (person === undefined) return false;
  const text = foldedOf(person);
  return fold(search)
    .split(/\s+/)
    .every((word) => text.includes(word));
}
