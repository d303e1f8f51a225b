import { useSignal } from "@preact/signals";
import { Refused } from "../net/refused";
import { changePassword, signOut } from "../state/session";
import { Button } from "../ui/button";
import { PasswordField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { toastFault } from "../ui/toast";
import { Entry } from "./entry";
import { t } from "./entry-texts";
import { NewPasswordFields, useNewPassword } from "./new-password";

/** The first password must be changed before anything else. */
export function PasswordPage() {
  return (
    <Entry title={t("first_change")}>
      <p>{t("first_change_text")}</p>
      <PasswordForm action={t("change_action")} />
      <Button kind="quiet" onClick={() => void signOut("here").catch(toastFault)}>
        {t("other_account")}
      </Button>
    </Entry>
  );
}

interface PasswordFormProps {
  action: string;
  onDone?: () => void;
}

/** The present password, and a new one twice. */
export function PasswordForm({ action, onDone }: PasswordFormProps) {
  const old = useSignal("");
  const next = useNewPassword();
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);

  const send = async () => {
    const password = next.check();
    if (busy.value || password === undefined || old.value === "") return;
    busy.value = true;
    fault.value = undefined;
    try {
      await changePassword(old.value, password);
      onDone?.();
    } catch (error) {
      fault.value = Refused.from(error);
    } finally {
      busy.value = false;
    }
  };
  const code = fault.value?.code;
  const oldError = next.tried.value && old.value === "" ? t("password_missing") : code === "wrong_password" ? t("old_wrong") : undefined;
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <PasswordField
        label={t("old_password")}
        name="old-password"
        autocomplete="current-password"
        value={old.value}
        error={oldError}
        onValue={(value) => {
          old.value = value;
        }}
      />
      <NewPasswordFields password={next} fault={fault.value} />
      {code !== "wrong_password" && code !== "weak_password" && <FaultNote fault={fault.value} />}
      <Button type="submit" kind="primary" busy={busy.value}>
        {action}
      </Button>
    </form>
  );
}
