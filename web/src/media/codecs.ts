/**
 * Which codecs each m-line offers. Short lists: the cost of an offer grows with m-lines
 * times codecs, and every slot must be able to carry what any source sends.
 */

/** Orders and filters what the browser can do. Pure, so that it is tested without one. */
export function preferCodecs(kind: "audio" | "video", able: readonly RTCRtpCodec[]): RTCRtpCodec[] {
  const of = (type: string) => able.filter((codec) => codec.mimeType.toLowerCase() === type);
  if (kind === "audio") return [...of("audio/opus"), ...of("audio/red")];
  const vp9 = of("video/vp9").filter((codec) => !/profile-id=[1-9]/.test(codec.sdpFmtpLine ?? ""));
  // Browsers tie one rtx entry to every codec in the list by themselves.
  return [...of("video/vp8"), ...vp9, ...of("video/rtx").slice(0, 1)];
}

/** Applies them to a transceiver. A browser without the call keeps its own list. */
export function narrowCodecs(transceiver: RTCRtpTransceiver, kind: "audio" | "video"): void {
  const able = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const preferred = preferCodecs(kind, able);
  if (preferred.length > 0) transceiver.setCodecPreferences?.(preferred);
}
