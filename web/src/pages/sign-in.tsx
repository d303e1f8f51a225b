import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { duration } from "../i18n/dates";
import { pick } from "../i18n/dictionary";
import { Refused } from "../net/refused";
import type { DemoAccount } from "../protocol.gen";
import { session, signIn } from "../state/session";
import { Button } from "../ui/button";
import { PasswordField, TextField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { announce } from "../ui/toast";
import { Entry } from "./entry";
import { t } from "./entry-texts";

/** Signing in. The address stays what it was, so that an invitation's link leads on. */
export function SignInPage() {
  const login = useSignal("");
  const password = useSignal("");
  const tried = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);
  const passwordField = useRef<HTMLInputElement>(null);
  const submit = useRef<HTMLButtonElement>(null);
  const slow = useCountdown(fault.value);

  const send = async () => {
    tried.value = true;
    if (busy.value || slow > 0 || login.value.trim() === "" || password.value === "") return;
    busy.value = true;
    fault.value = undefined;
    try {
      await signIn(login.value.trim(), password.value);
    } catch (error) {
      fault.value = Refused.from(error);
      if (fault.value.code === "wrong_password") passwordField.current?.select();
    } finally {
      busy.value = false;
    }
  };
  const choose = (account: DemoAccount) => {
    login.value = account.login;
    password.value = account.password;
    fault.value = undefined;
    announce(t("demo_filled", { name: pick(account.name) }));
    submit.current?.focus();
  };

  const isSlowed = fault.value?.code === "rate_limited" && fault.value.retryAfter !== undefined;
  const accounts = session.value?.accounts ?? [];
  return (
    <Entry title={t("sign_in")}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <TextField
          label={t("login")}
          name="username"
          autocomplete="username"
          autocapitalize="off"
          spellcheck={false}
          dir="auto"
          autofocus={accounts.length === 0}
          value={login.value}
          error={tried.value && login.value.trim() === "" ? t("login_missing") : undefined}
          onValue={(value) => {
            login.value = value;
          }}
        />
        <PasswordField
          label={t("password")}
          name="password"
          autocomplete="current-password"
          value={password.value}
          inputRef={passwordField}
          error={tried.value && password.value === "" ? t("password_missing") : undefined}
          onValue={(value) => {
            password.value = value;
          }}
        />
        {isSlowed ? (
          <p class="entry-slowed" role="status">
            {slow > 0 ? t("slowed", { time: duration(slow) }) : t("slowed_over")}
          </p>
        ) : (
          <FaultNote fault={fault.value} />
        )}
        <Button type="submit" kind="primary" busy={busy.value} disabled={slow > 0} buttonRef={submit}>
          {t("sign_in")}
        </Button>
      </form>
      {accounts.length > 0 ? <DemoAccounts accounts={accounts} chosen={login.value} onChoose={choose} /> : <p>{t("forgotten")}</p>}
    </Entry>
  );
}

interface DemoAccountsProps {
  accounts: readonly DemoAccount[];
  chosen: string;
  onChoose: (account: DemoAccount) => void;
}

function DemoAccounts({ accounts, chosen, onChoose }: DemoAccountsProps) {
  return (
    <section class="demo-accounts" aria-labelledby="demo-title">
      <h2 id="demo-title">{t("demo_accounts")}</h2>
      <p>{t("demo_hint")}</p>
      <ul class="demo-list">
        {accounts.map((account) => (
          <li key={account.login}>
            <button type="button" class="demo-account" aria-pressed={chosen === account.login} onClick={() => onChoose(account)}>
              <span>
                <strong>
                  <bdi>{pick(account.name)}</bdi>
                </strong>
                <small>{[pick(account.title), pick(account.unit)].filter((part) => part !== "").join(" · ")}</small>
              </span>
              <code dir="ltr">{account.login}</code>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

// useCountdown gives the whole seconds until a slowed-down attempt is heard again.
function useCountdown(fault: Refused | undefined): number {
  const left = useSignal(0);
  useEffect(() => {
    left.value = 0;
    if (fault?.code !== "rate_limited" || fault.retryAfter === undefined) return;
    const end = Date.now() + fault.retryAfter;
    const tick = () => {
      left.value = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      if (left.value === 0) clearInterval(timer);
    };
    const timer = setInterval(tick, 500);
    tick();
    return () => clearInterval(timer);
  }, [fault]);
  return left.value;
}
