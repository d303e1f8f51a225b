import { useSignal } from "@preact/signals";
import { Refused } from "../net/refused";
import { paths, route } from "../router";
import { enrol } from "../state/session";
import { Button, ButtonLink } from "../ui/button";
import { TextField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { Entry } from "./entry";
import { t } from "./entry-texts";
import { NewPasswordFields, useNewPassword } from "./new-password";

/** The first administrator, by the one-time link that the server prints. */
export function EnrolPage() {
  const login = useSignal("");
  const ar = useSignal("");
  const en = useSignal("");
  const password = useNewPassword();
  const tried = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);
  const token = route.value.page === "enrol" ? route.value.token : "";

  const send = async () => {
    tried.value = true;
    const chosen = password.check();
    const name = { ...(ar.value.trim() && { ar: ar.value.trim() }), ...(en.value.trim() && { en: en.value.trim() }) };
    if (busy.value || chosen === undefined || login.value.trim() === "" || Object.keys(name).length === 0) return;
    busy.value = true;
    fault.value = undefined;
    try {
      await enrol({ token, login: login.value.trim(), name, password: chosen });
    } catch (error) {
      fault.value = Refused.from(error);
    } finally {
      busy.value = false;
    }
  };

  const code = fault.value?.code;
  const isUsed = code === "unauthenticated" || code === "not_found" || code === "forbidden";
  if (token === "" || isUsed) {
    return (
      <Entry title={t("enrol")}>
        <p role="alert">{isUsed ? t("enrol_used") : t("enrol_no_token")}</p>
        <ButtonLink href={paths.signIn} kind="primary">
          {t("sign_in")}
        </ButtonLink>
      </Entry>
    );
  }
  const nameMissing = tried.value && ar.value.trim() === "" && en.value.trim() === "";
  const loginError =
    tried.value && login.value.trim() === "" ? t("login_missing") : code === "invalid" && fault.value?.field === "login" ? t("login_invalid") : undefined;
  return (
    <Entry title={t("enrol")}>
      <p>{t("enrol_text")}</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <TextField
          label={t("name_ar")}
          lang="ar"
          dir="rtl"
          autocomplete="name"
          error={nameMissing ? t("name_missing") : undefined}
          value={ar.value}
          onValue={(value) => {
            ar.value = value;
          }}
        />
        <TextField
          label={t("name_en")}
          lang="en"
          dir="ltr"
          autocomplete="name"
          value={en.value}
          onValue={(value) => {
            en.value = value;
          }}
        />
        <TextField
          label={t("login")}
          name="username"
          autocomplete="username"
          autocapitalize="off"
          spellcheck={false}
          dir="auto"
          hint={t("login_hint")}
          error={loginError}
          value={login.value}
          onValue={(value) => {
            login.value = value;
          }}
        />
        <NewPasswordFields password={password} fault={fault.value} />
        {loginError === undefined && code !== "weak_password" && <FaultNote fault={fault.value} />}
        <Button type="submit" kind="primary" busy={busy.value}>
          {t("enrol_action")}
        </Button>
      </form>
    </Entry>
  );
}
