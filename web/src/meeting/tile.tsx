import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { Expand, Hand, Maximize, MicOff, Pin, PinOff, Sparkles, ZoomIn, ZoomOut } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../i18n/dictionary";
import type { PersonID, Source } from "../protocol.gen";
import { nameOf, unitNameOf } from "../state/directory";
import type { Quality } from "../media/quality";
import { sourceKey, type PauseReason } from "../media/slots";
import { IconButton } from "../ui/button";
import { Icon } from "../ui/icon";
import { Avatar } from "../ui/person";
import type { Rect } from "./layout";
import { Picture } from "./picture";
import { qualityText } from "./quality";
import type { MeetingSession } from "./session";
import { t } from "./texts";

interface TileProps {
  session: MeetingSession;
  person: PersonID;
  source: Source;
  rect: Rect;
  staged: boolean;
}

/** One picture: whose it is, how they are, and why it is dark if it is. */
export function Tile({ session, person, source, rect, staged }: TileProps) {
  const frame = useRef<HTMLDivElement>(null);
  const own = person === session.me;
  const screen = source === "screen";
  const key = sourceKey(person, source);

  useEffect(() => (own || !frame.current ? undefined : session.view.watch(frame.current, person, source)), [own, person, source]);
  // The place is set on the element: a moved tile is not drawn anew inside.
  useEffect(() => {
    const style = frame.current?.style;
    if (!style) return;
    style.insetInlineStart = `${rect.x}px`;
    style.insetBlockStart = `${rect.y}px`;
    style.inlineSize = `${rect.width}px`;
    style.blockSize = `${rect.height}px`;
  }, [rect.x, rect.y, rect.width, rect.height]);

  const small = rect.width < 250;
  const shape = useSignal({ small, staged });
  if (shape.value.small !== small || shape.value.staged !== staged) shape.value = { small, staged };
  const speaking = useComputed(() => !screen && session.levels.speaking.value.has(person));
  const classes = useComputed(() =>
    [
      "tile",
      shape.value.staged && "tile-staged",
      screen && "tile-screen",
      session.roster.seat(person)?.connected === false && "tile-away",
      shape.value.small && "tile-small",
      speaking.value && "tile-speaking",
    ]
      .filter(Boolean)
      .join(" "),
  );
  const seat = session.roster.seat(person);
  const name = nameOf(person) || "…";
  const unit = unitNameOf(person);
  const label = screen ? t("screen_of", { name }) : unit ? t("tile_of", { name, unit }) : name;
  if (!seat) return null;
  const silent = own ? !session.sendsMicrophone.value : !seat.microphone;

  return (
    <div ref={frame} class={classes} role="group" aria-label={own ? `${label} (${t("you")})` : label} data-key={key}>
      <Content session={session} person={person} source={source} staged={staged} small={small} />
      <div class="tile-foot">
        {!screen && silent && (
          <span class="tile-mark">
            <Icon of={MicOff} size={16} />
            <span class="unseen">{t("muted")}</span>
          </span>
        )}
        <span class="tile-name">
          <bdi>{screen ? t("screen_of", { name }) : name}</bdi>
          {own && <span> ({t("you")})</span>}
          {!small && !screen && unit && <bdi class="tile-unit">{unit}</bdi>}
        </span>
      </div>
      <div class="tile-top">
        {!screen && <HandMark session={session} person={person} floor={seat.floor ?? false} />}
        {session.roster.spotlight.value === person && !screen && (
          <span class="tile-chip" title={t("spotlit")}>
            <Icon of={Sparkles} size={16} />
            <span class="unseen">{t("spotlit")}</span>
          </span>
        )}
        {!own && <QualityMark session={session} person={person} source={source} />}
      </div>
      <TileActions session={session} person={person} source={source} frame={frame} staged={staged} />
    </div>
  );
}

interface ContentProps {
  session: MeetingSession;
  person: PersonID;
  source: Source;
  staged: boolean;
  small: boolean;
}

/** The picture, or the person's initials and the reason in words. */
function Content({ session, person, source, staged, small }: ContentProps) {
  const own = person === session.me;
  const screen = source === "screen";
  const running = useSignal(false);
  const zoom = session.zoom.value;
  const enlarged = screen && staged && zoom > 1;
  const seat = session.roster.seat(person)!;
  const received = session.connection.value?.received.value.get(sourceKey(person, source));
  const on = screen ? seat.screen : seat.camera;
  const paused = received?.paused;
  const track = own ? (session.cameraOn.value ? session.capture.camera.track.value : undefined) : on && !paused ? received?.track : undefined;
  const words = own
    ? ""
    : !seat.connected
      ? t("connecting_tile")
      : paused
        ? pausedText(paused)
        : on && !running.value && staged
          ? t("picture_coming")
          : "";
  return (
    <>
      <div class="tile-view" {...(enlarged ? { tabIndex: 0, role: "region", "aria-label": t("zoom_scroll"), "data-zoom": zoom } : {})}>
        <Picture track={track} mirrored={own} whole={screen} running={running} />
      </div>
      {!(track && running.value) && (
        <div class="tile-face">
          <Avatar id={person} size={staged ? "huge" : small ? "normal" : "large"} />
        </div>
      )}
      {words && (
        <p class="tile-words" role="status">
          {words}
        </p>
      )}
    </>
  );
}

function pausedText(reason: PauseReason): string {
  switch (reason) {
    case "bandwidth":
      return t("paused_bandwidth");
    case "codec":
      return t("paused_codec");
    case "overload":
      return t("paused_overload");
    case "unknown":
      return t("paused_unknown");
  }
}

interface HandMarkProps {
  session: MeetingSession;
  person: PersonID;
  floor: boolean;
}

/** The raised hand, with its place in the queue; or the floor. */
function HandMark({ session, person, floor }: HandMarkProps) {
  const place = session.roster.hands.value.findIndex((seat) => seat.person === person) + 1;
  if (place > 0) {
    return (
      <span class="tile-chip tile-hand" title={t("hand_up")}>
        <Icon of={Hand} size={16} />
        <span aria-hidden="true">{number(place)}</span>
        <span class="unseen">{t("hand_up")}</span>
      </span>
    );
  }
  return floor ? <span class="tile-chip">{t("has_floor")}</span> : null;
}

interface QualityMarkProps {
  session: MeetingSession;
  person: PersonID;
  source: Source;
}

/** Bars where the connection is less than good; good is not worth a mark. */
function QualityMark({ session, person, source }: QualityMarkProps) {
  const verdict = useComputed<Quality | undefined>(() => {
    const arriving = session.statistics.value?.arriving.value;
    return arriving?.get(sourceKey(person, source)) ?? (source === "camera" ? arriving?.get(sourceKey(person, "microphone")) : undefined);
  });
  const seat = session.roster.seat(person);
  const quality = verdict.value;
  if (!quality || quality.grade === "good" || !seat?.connected) return null;
  const words = qualityText(quality);
  return (
    <span class="tile-chip" title={words}>
      <Bars of={quality} />
      <span class="unseen">{words}</span>
    </span>
  );
}

/** Three bars: as many are filled as the connection deserves. */
export function Bars({ of }: { of: Quality }) {
  const filled = { good: 3, fair: 2, poor: 1, none: 0 }[of.grade];
  return (
    <svg class={`bars bars-${of.grade}`} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {[0, 1, 2].map((i) => (
        <rect key={i} x={1 + i * 5} y={10 - i * 4} width="4" height={5 + i * 4} rx="1" class={i < filled ? "bar-on" : "bar-off"} />
      ))}
    </svg>
  );
}

interface TileActionsProps {
  session: MeetingSession;
  person: PersonID;
  source: Source;
  frame: { current: HTMLDivElement | null };
  staged: boolean;
}

/** What can be done with a picture; drawn when the tile is pointed at or focused. */
function TileActions({ session, person, source, frame, staged }: TileActionsProps) {
  const pinned: ReadonlySignal<boolean> = useComputed(() => session.stage.value.pin === sourceKey(person, source));
  const zooming = source === "screen" && staged;
  const zoom = session.zoom;
  const step = (by: number) => {
    zoom.value = Math.min(4, Math.max(1, zoom.value + by));
  };
  return (
    <div class="tile-actions">
      {zooming && (
        <>
          <IconButton icon={ZoomOut} label={t("zoom_out")} disabled={zoom.value <= 1} onClick={() => step(-0.5)} />
          <IconButton icon={ZoomIn} label={t("zoom_in")} disabled={zoom.value >= 4} onClick={() => step(0.5)} />
        </>
      )}
      {staged && document.fullscreenEnabled && (
        <IconButton
          icon={source === "screen" ? Maximize : Expand}
          label={t("full_screen")}
          onClick={() => void (document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen())}
        />
      )}
      <IconButton
        icon={pinned.value ? PinOff : Pin}
        label={pinned.value ? t("unpin") : t("pin")}
        aria-pressed={pinned.value}
        onClick={() => session.pin(person, source)}
      />
    </div>
  );
}
