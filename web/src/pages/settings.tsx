import { useSignal } from "@preact/signals";
import { KeyRound, LogOut } from "lucide";
import { type Digits, digits, type Language, language, languageNames, languages, pick } from "../i18n/dictionary";
import { me, signOut } from "../state/session";
import { type Theme, theme, themes } from "../state/settings";
import { Button } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { ChoiceField } from "../ui/field";
import { Page } from "../ui/page";
import { Avatar, PersonPlace } from "../ui/person";
import { toast, toastFault } from "../ui/toast";
import { PasswordForm } from "./password";
import { t } from "./settings-texts";
import "./settings.css";

/** What a person may choose for themselves. */
export function SettingsPage() {
  return (
    <Page title={t("title")}>
      <div class="settings">
        <Look />
        <Account />
      </div>
    </Page>
  );
}

function Look() {
  return (
    <section class="card stack" aria-labelledby="look-title">
      <h2 id="look-title">{t("look")}</h2>
      <ChoiceField<Language>
        legend={t("language")}
        value={language.value}
        options={languages.map((each) => ({ value: each, label: languageNames[each], lang: each }))}
        onValue={(value) => {
          language.value = value;
        }}
      />
      {language.value === "ar" && (
        <ChoiceField<Digits>
          legend={t("digits")}
          value={digits.value}
          options={[
            { value: "arab", label: t("digits_arab") },
            { value: "latn", label: t("digits_latn") },
          ]}
          onValue={(value) => {
            digits.value = value;
          }}
        />
      )}
      <ChoiceField<Theme>
        legend={t("theme")}
        value={theme.value}
        options={themes.map((each) => ({ value: each, label: t(`theme_${each}`) }))}
        onValue={(value) => {
          theme.value = value;
        }}
      />
      <p class="field-note">{t("look_note")}</p>
    </section>
  );
}

function Account() {
  const you = me.value!;
  const asking = useSignal<"password" | "everywhere" | undefined>(undefined);
  const busy = useSignal(false);
  const close = () => {
    asking.value = undefined;
  };
  const leave = async (where: "here" | "everywhere") => {
    busy.value = true;
    try {
      await signOut(where);
    } catch (error) {
      toastFault(error);
      busy.value = false;
      close();
    }
  };
  return (
    <section class="card stack" aria-labelledby="account-title">
      <h2 id="account-title">{t("account")}</h2>
      <div class="settings-you">
        <Avatar id={you.id} size="large" />
        <div>
          <p class="settings-name">
            <bdi>{pick(you.name)}</bdi>
          </p>
          <p>
            <PersonPlace id={you.id} />
          </p>
          <p class="person-place">
            {t("login")}: <bdi>{you.login}</bdi>
          </p>
        </div>
      </div>
      <div class="settings-row">
        <div>
          <h3>{t("password")}</h3>
          <p class="field-note">{t("password_text")}</p>
        </div>
        <Button icon={KeyRound} onClick={() => void (asking.value = "password")}>
          {t("change_password")}
        </Button>
      </div>
      <div class="settings-row">
        <div>
          <h3>{t("sign_out")}</h3>
          <p class="field-note">{t("sign_out_text")}</p>
        </div>
        <div class="settings-verbs">
          <Button icon={LogOut} busy={busy.value} onClick={() => void leave("here")}>
            {t("sign_out")}
          </Button>
          <Button kind="quiet" onClick={() => void (asking.value = "everywhere")}>
            {t("sign_out_everywhere")}
          </Button>
        </div>
      </div>
      {asking.value === "password" && (
        <Dialog title={t("change_password")} keepOnOutside onClose={close}>
          <PasswordForm
            action={t("change_password")}
            onDone={() => {
              close();
              toast(t("password_changed"), "good");
            }}
          />
        </Dialog>
      )}
      {asking.value === "everywhere" && (
        <Confirm title={t("sign_out_everywhere")} action={t("sign_out_everywhere")} busy={busy.value} onConfirm={() => void leave("everywhere")} onClose={close}>
          <p>{t("everywhere_text")}</p>
        </Confirm>
      )}
    </section>
  );
}
