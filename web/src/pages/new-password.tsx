import { type Signal, useSignal } from "@preact/signals";
import type { Refused } from "../net/refused";
import { faultText } from "../ui/fault";
import { PasswordField } from "../ui/field";
import { t } from "./entry-texts";

/** As the server's identity.MinPasswordRunes; the server decides. */
export const leastPassword = 12;

export interface NewPassword {
  readonly value: Signal<string>;
  readonly repeated: Signal<string>;
  readonly tried: Signal<boolean>;
  /** The password if it may be sent; marks what is wrong otherwise. */
  check(): string | undefined;
}

export function useNewPassword(): NewPassword {
  const value = useSignal("");
  const repeated = useSignal("");
  const tried = useSignal(false);
  return {
    value,
    repeated,
    tried,
    check() {
      tried.value = true;
      return [...value.value].length >= leastPassword && value.value === repeated.value ? value.value : undefined;
    },
  };
}

interface NewPasswordFieldsProps {
  password: NewPassword;
  /** What the server had against it. */
  fault: Refused | undefined;
}

/** A new password, twice. */
export function NewPasswordFields({ password, fault }: NewPasswordFieldsProps) {
  const { value, repeated, tried } = password;
  const short = tried.value && [...value.value].length < leastPassword;
  const differs = tried.value && !short && value.value !== repeated.value;
  return (
    <>
      <PasswordField
        label={t("new_password")}
        name="new-password"
        autocomplete="new-password"
        hint={t("new_password_hint", { least: leastPassword })}
        error={short ? t("too_short", { least: leastPassword }) : fault?.code === "weak_password" ? faultText(fault) : undefined}
        value={value.value}
        onValue={(text) => {
          value.value = text;
        }}
      />
      <PasswordField
        label={t("repeat_password")}
        name="repeat-password"
        autocomplete="new-password"
        error={differs ? t("repeat_differs") : undefined}
        value={repeated.value}
        onValue={(text) => {
          repeated.value = text;
        }}
      />
    </>
  );
}
