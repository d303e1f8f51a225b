import { Eye, EyeOff } from "lucide";
import type { ComponentChildren, InputHTMLAttributes, Ref } from "preact";
import { useId, useState } from "preact/hooks";
import { Icon } from "./icon";
import { t } from "./texts";
import "./field.css";

interface Described {
  label: string;
  /** Said below the field, always. */
  hint?: string | undefined;
  /** Said below the field instead of the hint, and announced. */
  error?: string | undefined;
  /** Marks the field as one that may stay empty. */
  optional?: boolean;
  /** The label is heard but not drawn, where the page says the same. */
  labelUnseen?: boolean;
}

interface FrameProps extends Described {
  id: string;
  children: ComponentChildren;
}

function Frame({ id, label, hint, error, optional, labelUnseen, children }: FrameProps) {
  return (
    <div class="field">
      <label for={id} class={labelUnseen ? "unseen" : "field-label"}>
        {label}
        {optional && <span class="field-optional"> ({t("optional")})</span>}
      </label>
      {children}
      {(error ?? hint) && (
        <p id={`${id}-note`} class={error ? "field-note field-error" : "field-note"} role={error ? "alert" : undefined}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

const describe = (id: string, { hint, error }: Described) => ({
  id,
  "aria-describedby": (error ?? hint) ? `${id}-note` : undefined,
  "aria-invalid": error ? true : undefined,
});

/** What is passed on to the native element as it is. */
interface Native {
  name?: string;
  disabled?: boolean;
  required?: boolean;
  autofocus?: boolean;
  autocomplete?: string;
  onKeyDown?: (event: KeyboardEvent) => void;
}

interface NativeText extends Native {
  readOnly?: boolean;
  placeholder?: string;
  maxLength?: number;
  dir?: "ltr" | "rtl" | "auto";
  lang?: string;
  spellcheck?: boolean;
  autocapitalize?: "off" | "words" | "sentences";
}

interface NativeInput extends NativeText {
  type?: "text" | "search" | "date" | "time" | "number";
  min?: string | number;
  max?: string | number;
  step?: string | number;
}

// Preact types an input by its literal type, one shape for each; ours is known only when it runs.
const attributes = (native: Omit<NativeInput, "type"> & { type?: string }) => native as InputHTMLAttributes<HTMLInputElement>;

interface TextFieldProps extends Described, NativeInput {
  value: string;
  onValue: (value: string) => void;
  inputRef?: Ref<HTMLInputElement>;
}

/** One line of text, or whatever else `type` says. */
export function TextField({ label, hint, error, optional, labelUnseen, value, onValue, inputRef, ...native }: TextFieldProps) {
  const id = useId();
  const described = { label, hint, error, optional: optional ?? false, labelUnseen: labelUnseen ?? false };
  return (
    <Frame id={id} {...described}>
      <input {...attributes(native)} {...describe(id, described)} ref={inputRef} class="input" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    </Frame>
  );
}

/** A password, which the person may look at. */
export function PasswordField({ label, hint, error, optional, labelUnseen, value, onValue, inputRef, ...native }: Omit<TextFieldProps, "type">) {
  const id = useId();
  const [shown, show] = useState(false);
  const described = { label, hint, error, optional: optional ?? false, labelUnseen: labelUnseen ?? false };
  return (
    <Frame id={id} {...described}>
      <span class="input-with-button">
        <input
          {...attributes({ ...native, type: shown ? "text" : "password" })}
          {...describe(id, described)}
          ref={inputRef}
          class="input"
          dir="ltr"
          spellcheck={false}
          autocapitalize="off"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
        <button type="button" class="input-button" aria-label={shown ? t("hide_password") : t("show_password")} aria-pressed={shown} onClick={() => show(!shown)}>
          <Icon of={shown ? EyeOff : Eye} size={18} />
        </button>
      </span>
    </Frame>
  );
}

interface TextAreaProps extends Described, NativeText {
  rows?: number;
  value: string;
  onValue: (value: string) => void;
}

export function TextArea({ label, hint, error, optional, labelUnseen, value, onValue, ...native }: TextAreaProps) {
  const id = useId();
  const described = { label, hint, error, optional: optional ?? false, labelUnseen: labelUnseen ?? false };
  return (
    <Frame id={id} {...described}>
      <textarea dir="auto" {...native} {...describe(id, described)} class="input" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    </Frame>
  );
}

interface SelectFieldProps<V extends string> extends Described, Native {
  value: V;
  options: readonly { value: V; label: string }[];
  onValue: (value: V) => void;
}

export function SelectField<V extends string>({ label, hint, error, optional, labelUnseen, value, options, onValue, ...native }: SelectFieldProps<V>) {
  const id = useId();
  const described = { label, hint, error, optional: optional ?? false, labelUnseen: labelUnseen ?? false };
  return (
    <Frame id={id} {...described}>
      <select {...native} {...describe(id, described)} class="input select" value={value} onChange={(event) => onValue(event.currentTarget.value as V)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

interface CheckFieldProps {
  label: string;
  hint?: string;
  checked: boolean;
  disabled?: boolean;
  onChecked: (checked: boolean) => void;
}

export function CheckField({ label, hint, checked, disabled, onChecked }: CheckFieldProps) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-note` : undefined}
        onChange={(event) => onChecked(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p id={`${id}-note`} class="field-note">
          {hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceFieldProps<V extends string> {
  legend: string;
  value: V;
  options: readonly { value: V; label: string; lang?: string }[];
  onValue: (value: V) => void;
}

/** A few choices that exclude each other, all of them in view. */
export function ChoiceField<V extends string>({ legend, value, options, onValue }: ChoiceFieldProps<V>) {
  const name = useId();
  return (
    <fieldset class="choices">
      <legend class="field-label">{legend}</legend>
      <div class="choices-row">
        {options.map((option) => (
          <label key={option.value} class="choice" lang={option.lang}>
            <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onValue(option.value)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
