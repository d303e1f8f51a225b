import { createMeeting, join, JOIN, knock, perceives, phase, request, seated } from "./support/seat";
import { expect, test } from "./support/test";

test("who is not invited waits in the lobby until a chair admits them with one key", async ({ person }) => {
  const minister = await person("minister");
  const jakarta = await person("jakarta");
  const nairobi = await person("nairobi");
  const meeting = await createMeeting(minister, { lobby: true });
  await join(minister, meeting);

  await knock(jakarta, meeting);
  await expect.poll(() => phase(jakarta)).toBe("waiting");
  await expect(jakarta.page.getByText("د. سليم الراوي")).toBeVisible(); // for whom one waits
  await expect(minister.page.locator(".room-notice")).toBeVisible();
  await minister.key("a");
  await seated(jakarta);
  await perceives(minister, [jakarta]);
  await perceives(jakarta, [minister]);

  await test.step("a refused person is told so, and cannot come back by the link", async () => {
    await knock(nairobi, meeting);
    await expect.poll(() => phase(nairobi)).toBe("waiting");
    await minister.key("p");
    await minister.page.locator(`.row-waiting[data-person="${nairobi.id}"]`).getByRole("button").last().click();
    await expect.poll(() => phase(nairobi)).toBe("over");
    await nairobi.goto(`/meeting/${meeting}`);
    await expect.poll(() => phase(nairobi)).toMatch(/prejoin|over/);
    if ((await phase(nairobi)) === "prejoin") await nairobi.click(JOIN);
    await expect.poll(() => phase(nairobi)).toBe("over");
  });

  await test.step("until the chair permits it again", async () => {
    await minister.page.locator(`.row[data-person="${nairobi.id}"]`).getByRole("button").click();
    await expect(minister.page.locator(`.row[data-person="${nairobi.id}"]`)).toHaveCount(0);
    await knock(nairobi, meeting);
    await expect.poll(() => phase(nairobi)).toBe("waiting");
  });
});

test("a removed person leaves at once and cannot come back", async ({ person }) => {
  const minister = await person("minister");
  const geneva = await person("geneva");
  const meeting = await createMeeting(minister, { people: [geneva.id] });
  await join(minister, meeting);
  await join(geneva, meeting);
  await minister.key("p");
  await minister.page.locator(`.row[data-person="${geneva.id}"] button[aria-haspopup=menu]`).click();
  await minister.page.getByRole("menuitem").last().click();
  await expect(minister.page.locator("dialog")).toContainText("نبيل القاسم"); // asked by name
  await minister.page.locator("dialog .button-danger").click();
  await expect.poll(() => phase(geneva)).toBe("over");
  await expect.poll(() => minister.run(() => window.tarasul!.seats.length, null)).toBe(1);

  await knock(geneva, meeting);
  await expect.poll(() => phase(geneva)).toBe("over");
  await expect(geneva.page.getByRole("heading", { level: 1 })).toHaveText("أُخرجت من الاجتماع");
  await expect(request(geneva, "meeting.join", { meeting, microphone: false, camera: false })).rejects.toThrow("removed");
});

test("a locked meeting takes nobody new", async ({ person }) => {
  const minister = await person("minister");
  const geneva = await person("geneva");
  const meeting = await createMeeting(minister, { people: [geneva.id] });
  await join(minister, meeting);
  await minister.key("p");
  await minister.page.locator(".people-panel input[type=checkbox]").first().check();
  await expect(minister.page.locator(".room-chip")).toBeVisible();
  await knock(geneva, meeting);
  await expect.poll(() => phase(geneva)).toBe("over");
  await expect(geneva.page.getByRole("heading", { level: 1 })).toHaveText("الاجتماع مقفل");
});

test("a second tab takes the seat over, and the first says so and can take it back", async ({ person }) => {
  const minister = await person("minister");
  const geneva = await person("geneva");
  const meeting = await createMeeting(minister, { people: [geneva.id] });
  await join(minister, meeting);
  await join(geneva, meeting);
  const second = await person("geneva", { context: geneva.page.context() });
  await join(second, meeting);
  await expect.poll(() => phase(geneva)).toBe("over");
  await expect(geneva.page.getByRole("heading", { level: 1 })).toHaveText("تابعت الاجتماع في نافذة أخرى");
  await perceives(minister, [second]);
  await perceives(second, [minister]);
  expect(await minister.run(() => window.tarasul!.seats.length, null)).toBe(2);

  await geneva.page.locator(".message .button-primary").click();
  await expect.poll(() => phase(geneva)).toBe("prejoin");
  await geneva.click(JOIN);
  await seated(geneva);
  await expect.poll(() => phase(second)).toBe("over");
});

test("leaving and coming back works, and the language changes at once in the call", async ({ person }) => {
  const minister = await person("minister");
  const geneva = await person("geneva");
  const meeting = await createMeeting(minister, { people: [geneva.id] });
  await join(minister, meeting);
  await join(geneva, meeting);

  await geneva.page.locator(".bar button[aria-haspopup=menu]").click();
  await geneva.page.getByRole("menuitemcheckbox", { name: "English" }).click();
  await expect(geneva.page.locator("html")).toHaveAttribute("dir", "ltr");
  await expect(geneva.page.getByRole("button", { name: "Leave" })).toBeVisible();
  await perceives(geneva, [minister]); // and the meeting goes on

  await geneva.page.getByRole("button", { name: "Leave" }).click();
  await expect.poll(() => phase(geneva)).toBe("over");
  await expect.poll(() => minister.run(() => window.tarasul!.seats.length, null)).toBe(1);
  await geneva.page.getByRole("button", { name: "Join again" }).click();
  await expect.poll(() => phase(geneva)).toBe("prejoin");
  await geneva.click(JOIN);
  await seated(geneva);
  await perceives(minister, [geneva]);
});

test("Space is held to talk, also after a button was pressed, and types in a field", async ({ person }) => {
  const minister = await person("minister");
  const meeting = await createMeeting(minister);
  await join(minister, meeting);
  const { page } = minister;
  const microphone = page.locator(".bar .control").first();
  const on = () => minister.run(() => window.tarasul!.seats[0]!.microphone, null);
  await microphone.click(); // off, and focused
  await expect.poll(on).toBe(false);
  await page.keyboard.down("Space");
  await expect(microphone).toHaveClass(/control-active/);
  await expect.poll(on).toBe(true);
  await page.keyboard.up("Space");
  await expect(microphone).toHaveClass(/control-off/);
  await expect.poll(on).toBe(false);

  await minister.key("c");
  await page.locator(".side textarea").fill("واحد");
  await page.locator(".side textarea").press("Space");
  await expect(page.locator(".side textarea")).toHaveValue("واحد ");
  expect(await on()).toBe(false);
});
