import { useSignal } from "@preact/signals";
import { collate, languages, pick } from "../i18n/dictionary";
import { Refused } from "../net/refused";
import type { Multilingual, Unit, UnitKind } from "../protocol.gen";
import { socket } from "../state/connection";
import { putUnit, units } from "../state/directory";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ChoiceField, SelectField } from "../ui/field";
import { FaultNote } from "../ui/states";
import { t as common } from "../ui/texts";
import { toast } from "../ui/toast";
import { InLanguages } from "./person-editor";
import { t } from "./people-texts";

const kinds: readonly UnitKind[] = ["headquarters", "department", "mission"];

interface UnitEditorProps {
  /** Which to change; a new unit without. */
  unit?: Unit;
  onClose: () => void;
}

/** A unit's card, as an administrator writes it. */
export function UnitEditor({ unit, onClose }: UnitEditorProps) {
  const headquarters = [...units.value.values()].find((each) => each.kind === "headquarters");
  const name = useSignal<Multilingual>(unit?.name ?? {});
  const kind = useSignal<UnitKind>(unit?.kind ?? (headquarters ? "department" : "headquarters"));
  const parent = useSignal(unit ? (unit.parent ?? "") : (headquarters?.id ?? ""));
  const tried = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Refused | undefined>(undefined);

  const nameless = !pick(name.value).trim();
  const save = async () => {
    tried.value = true;
    if (busy.value || nameless) return;
    busy.value = true;
    fault.value = undefined;
    const words: Multilingual = {};
    for (const language of languages) {
      const text = name.value[language]?.trim();
      if (text) words[language] = text;
    }
    try {
      const saved = await socket.request("units.save", {
        ...(unit && { id: unit.id }),
        kind: kind.value,
        name: words,
        ...(parent.value && { parent: parent.value }),
      });
      putUnit(saved.unit);
      toast(t("saved"), "good");
      onClose();
    } catch (error) {
      fault.value = Refused.from(error);
      busy.value = false;
    }
  };
  const parents = [...units.value.values()]
    .filter((each) => each.id !== unit?.id)
    .map((each) => ({ value: each.id, label: pick(each.name) }))
    .sort((a, b) => collate(a.label, b.label));
  return (
    <Dialog
      title={unit ? t("edit_unit", { name: pick(unit.name) }) : t("new_unit")}
      size="wide"
      keepOnOutside
      onClose={onClose}
      onSubmit={() => void save()}
      actions={
        <>
          <Button onClick={onClose}>{common("cancel")}</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {unit ? t("save") : t("add")}
          </Button>
        </>
      }
    >
      <InLanguages
        legend={t("names")}
        value={name.value}
        error={tried.value && nameless ? t("name_missing") : undefined}
        onValue={(value) => {
          name.value = value;
        }}
      />
      <ChoiceField<UnitKind>
        legend={t("kind")}
        value={kind.value}
        options={kinds.map((each) => ({ value: each, label: t(`kind_${each}`) }))}
        onValue={(value) => {
          kind.value = value;
        }}
      />
      <SelectField
        label={t("parent")}
        value={parent.value}
        options={[{ value: "", label: t("no_parent") }, ...parents]}
        onValue={(value) => {
          parent.value = value;
        }}
      />
      <FaultNote fault={fault.value} />
    </Dialog>
  );
}
