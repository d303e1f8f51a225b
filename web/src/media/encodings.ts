/**
 * What is sent of each picture: how many encodings, how large, at what rate. Pure; it
 * knows nothing of connections.
 *
 * A camera is sent as three simulcast encodings, smallest first, so that a tile of any
 * size finds one that fits it. The number of encodings is part of the offer and cannot
 * change without a new one; a small camera therefore leaves some of them inactive.
 */
import type { Source } from "../protocol.gen";

/** The rids of a camera, smallest first. */
export const CAMERA_RIDS = ["l", "m", "h"] as const;
export type Rid = (typeof CAMERA_RIDS)[number];

/** One encoding as it is to be sent; rates in bits per second. */
export interface Encoding {
  rid?: Rid;
  active: boolean;
  scaleResolutionDownBy: number;
  maxBitrate: number;
  maxFramerate?: number;
}

const LADDER: readonly { from: number; encodings: readonly Encoding[] }[] = [
  {
    from: 540,
    encodings: [
      { rid: "l", active: true, scaleResolutionDownBy: 4, maxBitrate: 150_000 },
      { rid: "m", active: true, scaleResolutionDownBy: 2, maxBitrate: 500_000 },
      { rid: "h", active: true, scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
    ],
  },
  {
    from: 270,
    encodings: [
      { rid: "l", active: true, scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: "m", active: false, scaleResolutionDownBy: 1, maxBitrate: 500_000 },
      { rid: "h", active: true, scaleResolutionDownBy: 1, maxBitrate: 600_000 },
    ],
  },
  {
    from: 0,
    encodings: [
      { rid: "l", active: false, scaleResolutionDownBy: 1, maxBitrate: 150_000 },
      { rid: "m", active: false, scaleResolutionDownBy: 1, maxBitrate: 500_000 },
      { rid: "h", active: true, scaleResolutionDownBy: 1, maxBitrate: 300_000 },
    ],
  },
];

/** The encodings of a camera whose pictures are that many lines high. */
export function cameraEncodings(lines: number): Encoding[] {
  const step = LADDER.find((entry) => lines >= entry.from) ?? LADDER[0]!;
  return step.encodings.map((encoding) => ({ ...encoding }));
}

/**
 * The one encoding of a shared screen. It is never scaled down: letters must stay legible,
 * and what the network cannot carry is taken from the frame rate instead.
 */
export function screenEncodings(): Encoding[] {
  return [{ active: true, scaleResolutionDownBy: 1, maxBitrate: 2_500_000 }];
}

/** Which encodings somebody watches, as the server last said; undefined: not said yet. */
export type Wanted = Readonly<Record<string, boolean>> | undefined;

/**
 * Switches off what nobody watches. What the server has not named stays on, so that a
 * first picture never waits for the first word about it.
 */
export function narrow(encodings: readonly Encoding[], wanted: Wanted): Encoding[] {
  if (!wanted) return encodings.map((encoding) => ({ ...encoding }));
  const result = encodings.map((encoding) => ({
    ...encoding,
    active: encoding.active && wanted[encoding.rid ?? ""] !== false,
  }));
  // A small camera has no encoding of its own for some rid: the next larger one that it
  // has serves whoever asked for it.
  encodings.forEach((encoding, i) => {
    if (encoding.active || wanted[encoding.rid ?? ""] !== true) return;
    const stand = result.findIndex((_, j) => j > i && encodings[j]!.active);
    if (stand >= 0) result[stand]!.active = true;
  });
  return result;
}

/** The encodings of a source; sound has one, without settings. */
export function encodingsOf(source: Source, lines: number, wanted: Wanted): Encoding[] {
  if (source === "camera") return narrow(cameraEncodings(lines), wanted);
  if (source === "screen") return narrow(screenEncodings(), wanted);
  return [];
}
