import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";

interface PictureProps {
  track: MediaStreamTrack | undefined;
  /** One's own picture is shown as in a mirror. */
  mirrored?: boolean;
  /** The whole picture, with bars if need be; for screens, whose edges matter. */
  whole?: boolean;
  /** Set while frames arrive, for whoever wants to say that they do not yet. */
  running?: ReadonlySignal<boolean> & { value: boolean };
}

/**
 * One track in one `<video>`. The element stays the same while its track changes and
 * while its tile moves, so that nothing flickers.
 */
export function Picture({ track, mirrored = false, whole = false, running }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const own = useSignal(false);
  const shown = running ?? own;

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    shown.value = false;
    element.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    element.play().catch(() => undefined); // muted pictures may always play; the track may have ended
    // A change of the source empties the element; its first frame fills it.
    const first = () => {
      shown.value = true;
    };
    element.addEventListener("loadeddata", first);
    return () => element.removeEventListener("loadeddata", first);
  }, [track]);

  const classes = ["picture", mirrored && "picture-mirrored", whole && "picture-whole"].filter(Boolean).join(" ");
  return <video ref={video} class={classes} autoplay playsInline muted disablePictureInPicture aria-hidden="true" tabIndex={-1} />;
}
