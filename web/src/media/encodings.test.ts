import { expect, test } from "vitest";
import { preferCodecs } from "./codecs";
import { cameraEncodings, encodingsOf, narrow } from "./encodings";

const active = (encodings: ReturnType<typeof cameraEncodings>) => encodings.filter((e) => e.active).map((e) => e.rid);

test.each([
  [1080, ["l", "m", "h"]],
  [720, ["l", "m", "h"]],
  [480, ["l", "h"]],
  [360, ["l", "h"]],
  [240, ["h"]],
])("a camera of %i lines sends %j", (lines, rids) => {
  const encodings = cameraEncodings(lines);
  expect(encodings.map((e) => e.rid)).toEqual(["l", "m", "h"]);
  expect(active(encodings)).toEqual(rids);
});

test("what nobody watches is switched off; what is not named stays on", () => {
  expect(active(narrow(cameraEncodings(720), { l: true, m: false, h: false }))).toEqual(["l"]);
  expect(active(narrow(cameraEncodings(720), { l: false, m: false, h: false }))).toEqual([]);
  expect(active(narrow(cameraEncodings(720), { h: false }))).toEqual(["l", "m"]);
  expect(active(narrow(cameraEncodings(720), undefined))).toEqual(["l", "m", "h"]);
});

test("a small camera serves whoever asks for an encoding that it lacks with the next larger one", () => {
  expect(active(narrow(cameraEncodings(360), { l: false, m: true, h: false }))).toEqual(["h"]);
  expect(active(narrow(cameraEncodings(240), { l: true, m: false, h: false }))).toEqual(["h"]);
});

test("a screen has one encoding that is never scaled down, and stops when nobody watches", () => {
  expect(encodingsOf("screen", 1080, undefined)).toMatchObject([{ active: true, scaleResolutionDownBy: 1 }]);
  expect(encodingsOf("screen", 1080, { "": false })).toMatchObject([{ active: false }]);
  expect(encodingsOf("microphone", 0, undefined)).toEqual([]);
});

test("codecs are narrowed: VP8 first with one rtx, Opus first with RED", () => {
  const video = (mimeType: string, sdpFmtpLine?: string) => ({ mimeType, clockRate: 90000, ...(sdpFmtpLine ? { sdpFmtpLine } : {}) });
  const able = [video("video/H264"), video("video/VP9", "profile-id=0"), video("video/VP9", "profile-id=2"), video("video/rtx"), video("video/rtx"), video("video/VP8"), video("video/AV1")];
  expect(preferCodecs("video", able).map((c) => c.mimeType)).toEqual(["video/VP8", "video/VP9", "video/rtx"]);
  const audio = (mimeType: string) => ({ mimeType, clockRate: 48000 });
  expect(preferCodecs("audio", [audio("audio/red"), audio("audio/PCMU"), audio("audio/opus")]).map((c) => c.mimeType)).toEqual(["audio/opus", "audio/red"]);
});
