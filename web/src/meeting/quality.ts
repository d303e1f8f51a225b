import type { Quality } from "../media/quality";
import { t } from "./texts";

/** A verdict in words, the cause first. */
export function qualityText({ grade, cause }: Quality): string {
  return grade === "good" ? t("cause_fine") : t(`cause_${cause}`);
}
