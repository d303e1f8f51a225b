import { Dialog } from "../ui/dialog";
import { t } from "./texts";

/** Every key of the meeting. */
export function KeySheet({ onClose }: { onClose: () => void }) {
  const keys: [string, string][] = [
    ["M", t("key_microphone")],
    [t("space"), t("key_talk")],
    ["V", t("key_camera")],
    ["S", t("key_share")],
    ["H", t("key_hand")],
    ["C", t("key_chat")],
    ["P", t("key_people")],
    ["G", t("key_view")],
    ["F", t("key_full_screen")],
    ["1 – 9", t("key_pin")],
    ["0", t("key_unpin")],
    ["A", t("key_admit")],
    ["I", t("key_statistics")],
    ["Esc", t("key_escape")],
    ["?", t("key_sheet")],
  ];
  return (
    <Dialog title={t("shortcuts")} onClose={onClose}>
      <dl class="keys" tabIndex={0}>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
