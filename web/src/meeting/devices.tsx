import { useSignal } from "@preact/signals";
import { Volume2 } from "lucide";
import { useEffect } from "preact/hooks";
import type { Device, DeviceKind, InputKind } from "../media/devices";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { CheckField, SelectField } from "../ui/field";
import { Meter } from "./meter";
import type { MeetingSession } from "./session";
import { t } from "./texts";

/** What is wrong with an input, and what to do about it, in words; empty if nothing is. */
export function troubleText(session: MeetingSession, kind: InputKind): string {
  const { trouble, stalled } = session.capture[kind];
  switch (trouble.value) {
    case undefined:
      if (!stalled.value) return "";
      return kind === "microphone" ? t("trouble_stalled_microphone") : t("trouble_stalled_camera");
    case "refused":
      return kind === "microphone" ? t("trouble_refused_microphone") : t("trouble_refused_camera");
    case "missing":
      return kind === "microphone" ? t("trouble_missing_microphone") : t("trouble_missing_camera");
    case "insecure":
      return t("trouble_insecure");
    case "dismissed":
      return t("trouble_dismissed");
    case "busy":
      return t("trouble_busy");
    case "unfit":
      return t("trouble_unfit");
    case "ended":
      return t("trouble_ended");
    case "unknown":
      return t("trouble_unknown");
  }
}

interface TroubleProps {
  session: MeetingSession;
  kind: InputKind;
}

/** The words for a trouble, with the button that tries again. */
export function Trouble({ session, kind }: TroubleProps) {
  const words = troubleText(session, kind);
  if (!words) return null;
  return (
    <div class="trouble" role="status">
      <p>{words}</p>
      {session.capture[kind].trouble.value !== undefined && (
        <Button size="small" onClick={() => void session.capture.open([kind])}>
          {t("try_again")}
        </Button>
      )}
    </div>
  );
}

interface DeviceSelectProps {
  session: MeetingSession;
  kind: DeviceKind;
}

function DeviceSelect({ session, kind }: DeviceSelectProps) {
  const { devices } = session;
  const lists = { microphone: devices.microphones, camera: devices.cameras, speaker: devices.speakers };
  const found = lists[kind].value;
  const label = (device: Device, index: number) => device.label || t("device_numbered", { number: index + 1 });
  const hasDefault = found.some((device) => device.id === "default");
  const options = [
    ...(hasDefault && found.length > 0 ? [] : [{ value: "", label: found.length > 0 ? t("device_default") : t("device_none") }]),
    ...found.map((device, index) => ({ value: device.id, label: device.id === "default" ? t("device_default") : label(device, index) })),
  ];
  const chosen = devices.choice.value[kind] ?? "";
  const value = options.some((option) => option.value === chosen) ? chosen : (options[0]?.value ?? "");
  return (
    <SelectField
      label={t(kind)}
      value={value}
      options={options}
      disabled={found.length === 0}
      onValue={(id) => void session.changeDevice(kind, id)}
    />
  );
}

/** The choice of devices with level and test, in pre-join and during the call. */
export function DeviceFields({ session }: { session: MeetingSession }) {
  const testing = useSignal(false);
  const { devices, capture } = session;
  const test = async () => {
    testing.value = true;
    await session.sounds.play("test", devices.choice.value.speaker ?? "");
    testing.value = false;
  };
  return (
    <div class="devices">
      <div class="device">
        <DeviceSelect session={session} kind="microphone" />
        {capture.microphone.track.value && <Meter level={session.levels.own} />}
        <Trouble session={session} kind="microphone" />
      </div>
      <div class="device">
        <DeviceSelect session={session} kind="camera" />
        <Trouble session={session} kind="camera" />
      </div>
      <div class="device device-row">
        {devices.speakerChoice ? (
          <DeviceSelect session={session} kind="speaker" />
        ) : (
          <p class="device-note">
            <strong>{t("speaker")}</strong>
            <br />
            {t("speaker_by_system")}
          </p>
        )}
        <Button icon={Volume2} busy={testing.value} onClick={() => void test()}>
          {testing.value ? t("testing") : t("test_speaker")}
        </Button>
      </div>
    </div>
  );
}

/** The same during the call, with what is chosen rarely. */
export function DeviceDialog({ session, onClose }: { session: MeetingSession; onClose: () => void }) {
  const { devices } = session;
  useEffect(() => void devices.refresh(), []);
  const lines = devices.choice.value.lines;
  return (
    <Dialog title={t("devices_title")} onClose={onClose}>
      <DeviceFields session={session} />
      <SelectField
        label={t("picture_size")}
        value={String(lines) as "720" | "360"}
        options={[
          { value: "720", label: t("picture_high") },
          { value: "360", label: t("picture_saving") },
        ]}
        onValue={(value) => {
          devices.choose({ lines: value === "360" ? 360 : 720 });
          void session.capture.change("camera");
        }}
      />
      <CheckField label={t("sounds")} checked={!devices.choice.value.quiet} onChecked={(on) => devices.choose({ quiet: !on })} />
    </Dialog>
  );
}
