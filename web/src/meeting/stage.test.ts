import { expect, test } from "vitest";
import { EMPTY_STAGE, onStage, withMode, withoutPerson, withPin, withShares, withSpotlight } from "./stage";

test("a shared screen takes the stage by itself, and gives it back", () => {
  let state = withShares(EMPTY_STAGE, ["layla"]);
  expect(onStage(state, undefined)).toBe("layla/screen");
  state = withShares(state, []);
  expect(onStage(state, undefined)).toBeUndefined();
});

test("the person's choice wins over a share that is there already", () => {
  let state = withMode(withShares(EMPTY_STAGE, ["layla"]), "grid");
  expect(onStage(state, undefined)).toBeUndefined();
  state = withShares(state, ["layla"]); // the same share, told again
  expect(onStage(state, undefined)).toBeUndefined();
});

test("a new share takes the stage again, also from an older pin", () => {
  let state = withPin(EMPTY_STAGE, "omar/camera");
  state = withShares(state, ["layla"]);
  expect(onStage(state, undefined)).toBe("layla/screen");
  state = withShares(state, ["layla", "omar"]);
  expect(onStage(state, undefined)).toBe("omar/screen");
  state = withShares(state, ["layla"]);
  expect(onStage(state, undefined)).toBe("layla/screen");
});

test("a pin wins over what took the stage, and lets it come back", () => {
  let state = withPin(withShares(EMPTY_STAGE, ["layla"]), "omar/camera");
  expect(onStage(state, undefined)).toBe("omar/camera");
  state = withPin(state, "omar/camera");
  expect(onStage(state, undefined)).toBe("layla/screen");
});

test("the spotlight takes the stage, but not from a shared screen", () => {
  expect(onStage(withSpotlight(EMPTY_STAGE, "omar"), undefined)).toBe("omar/camera");
  let state = withSpotlight(withShares(EMPTY_STAGE, ["layla"]), "omar");
  expect(onStage(state, undefined)).toBe("layla/screen");
  state = withShares(state, []);
  expect(onStage(state, undefined)).toBe("omar/camera");
  expect(onStage(withSpotlight(state, undefined), undefined)).toBeUndefined();
});

test("speaker view shows the speaker", () => {
  const state = withMode(EMPTY_STAGE, "speaker");
  expect(onStage(state, "omar")).toBe("omar/camera");
  expect(onStage(state, undefined)).toBeUndefined();
});

test("nothing stays on the stage of somebody who has left", () => {
  expect(onStage(withoutPerson(withPin(EMPTY_STAGE, "omar/camera"), "omar"), undefined)).toBeUndefined();
  const state = withPin(EMPTY_STAGE, "omar/camera");
  expect(withoutPerson(state, "layla")).toBe(state);
});

test("a stopped share leaves a pin of it, too", () => {
  const state = withShares(withPin(withShares(EMPTY_STAGE, ["layla"]), "layla/screen"), []);
  expect(onStage(state, undefined)).toBeUndefined();
});
