// Arranging and writing a window: typing through saves, moving in every way, undoing, two devices, dressing.
import { assert, inspect, open, phone, small } from "../lib/browser.mjs";
import { seed, signIn } from "../lib/demo.mjs";

const order = (page) => page.locator("#blocks > [data-block]").evaluateAll((els) => els.map((e) => e.dataset.name));

// answered does something and waits for the server's answer to it and for what htmx makes of that.
async function answered(page, act, match) {
  const [r] = await Promise.all([page.waitForResponse((r) => r.url().includes("/app/window") && match(r)), act()]);
  await r.finished();
  await page.waitForFunction(() => !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"));
  const lists = await page.locator("#blocks").count();
  assert(lists === 1, `${lists} lists of blocks after ${r.request().method()} ${r.url()}`);
  return r;
}
const posted = (r) => r.request().method() === "POST";
const got = (r) => r.request().method() === "GET" && r.url().includes("/app/window/blocks");
const patched = (status) => (r) => r.request().method() === "PATCH" && r.status() === status;

async function window_(world, options = {}) {
  await seed(world);
  const v = await open(options);
  await signIn(world, v.page, "ilse@vitrine.example");
  await v.page.goto(`${world.app}/app/window`);
  return v;
}

const openBlock = (page, name) => answered(page, () => page.locator(`[data-name="${name}"] .blk__go`).click(), got);

export const journeys = {
  "typing through two saves loses no character and no focus": async (world) => {
    const v = await window_(world);
    const { page } = v;
    await openBlock(page, "The pens I use");
    const title = page.locator("form[data-autosave] [name=title]");
    assert(await title.evaluate((el) => el === document.activeElement), "the first field has not got the focus");
    await inspect(v, "window-open-link");
    await page.keyboard.press("End");
    const saved = page.waitForResponse(patched(200));
    await page.keyboard.type(", all of them", { delay: 40 });
    await saved; // in the middle of it
    await answered(page, () => page.keyboard.type(" really", { delay: 40 }), patched(200));
    assert((await title.inputValue()) === "The pens I use, all of them really", `typed ${await title.inputValue()}`);
    assert(await title.evaluate((el) => el === document.activeElement), "the focus is lost");
    assert(/Saved \d\d:\d\d/.test(await page.locator("#save-state").innerText()), "nothing says that it is saved");
    await answered(page, () => page.locator("form[data-autosave] [name=url]").fill("javascript:alert(1)"), patched(422));
    assert((await page.locator("[id^=errs-]").innerText()).includes("https://example.com"), "no reason is given");
    assert((await page.locator("form[data-autosave] [name=url]").inputValue()) === "javascript:alert(1)", "what was typed is gone");
    await inspect(v, "window-bad-link");
    await answered(page, () => page.locator("form[data-autosave] [name=url]").fill("https://example.com/pens"), patched(200));
    assert((await page.locator("[id^=errs-]").innerText()).trim() === "", "the reason stays");
    await answered(page, () => title.fill("The pens I use"), patched(200));
    await page.reload();
    assert((await title.inputValue()) === "The pens I use", "not kept");
    await v.close();
    return v.faults;
  },
  "blocks are moved by buttons, by a list of places and by a finger": async (world) => {
    const v = await window_(world);
    const { page, context } = v;
    const was = await order(page);
    await openBlock(page, was[2]);
    await answered(page, () => page.locator("#dock-up").click(), posted);
    await answered(page, () => page.locator("#dock-up").click(), posted);
    let now = await order(page);
    assert(now[0] === was[2] && now[1] === was[0], `up: ${now}`);
    assert(await page.locator("#dock-up").evaluate((el) => el === document.activeElement), "the button has lost the focus");
    assert((await page.locator("#say").innerText()).includes(`position 1 of ${was.length}`), "nothing is said");
    await answered(page, () => page.locator("#dock-down").click(), posted);
    await answered(page, () => page.getByText("Move to…").click(), (r) => r.url().includes("/place"));
    await inspect(v, "window-places");
    await answered(page, () => page.locator("#place-3").click(), posted);
    assert((await order(page)).join() === was.join(), `places: ${await order(page)}`);
    assert(!(await page.locator("#sheet").evaluate((d) => d.open)), "the sheet stays open");
    await answered(page, () => page.locator("#dock-done").click(), got);

    const finger = await context.newCDPSession(page);
    const from = await page.locator("#blocks > li:nth-child(3) .grip").boundingBox();
    const to = await page.locator("#blocks > li:nth-child(2)").boundingBox();
    const at = (y) => [{ x: from.x + 20, y, id: 1 }];
    const start = from.y + 20;
    await finger.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(start) });
    for (let i = 1; i <= 20; i++) await finger.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(start + ((to.y + 8 - start) * i) / 20) });
    await answered(page, () => finger.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] }), posted);
    now = await order(page);
    assert(now[1] === was[2] && now[2] === was[1], `finger: ${now}`);
    await page.reload();
    assert((await order(page)).join() === now.join(), "the server has another order");
    await openBlock(page, now[1]);
    await answered(page, () => page.locator("#dock-down").click(), posted);
    await v.close();
    return v.faults;
  },
  "a block is added, copied, hidden, removed and brought back": async (world) => {
    const v = await window_(world, { viewport: small });
    const { page } = v;
    const was = await order(page);
    await page.locator("#dock-add").click();
    await page.locator("#add-link").waitFor();
    await inspect(v, "window-add-sheet");
    await answered(page, () => page.locator("#add-link").click(), posted);
    const title = page.locator("form[data-autosave] [name=title]");
    assert(await title.evaluate((el) => el === document.activeElement), "the new block has not got the focus");
    await answered(page, () => title.fill("A new link"), patched(200));
    await answered(page, () => page.locator("#dock-copy").click(), posted);
    assert((await order(page)).length === was.length + 2, `copied: ${await order(page)}`);
    await answered(page, () => page.locator("#dock-hide").click(), posted);
    assert((await page.locator("#dock-hide").innerText()).trim() === "Show", "the dock does not offer to show it");
    await inspect(v, "window-hidden");
    await answered(page, () => page.locator("#dock-remove").click(), posted);
    assert((await order(page)).length === was.length + 1, "not removed");
    await answered(page, () => page.locator("#toast-action").click(), posted);
    assert((await order(page)).length === was.length + 2, "not brought back");
    for (let i = 0; i < 2; i++) {
      await answered(page, () => page.locator('[data-name="A new link"] .blk__go').last().click(), got);
      await answered(page, () => page.locator("#dock-remove").click(), posted);
    }
    assert((await order(page)).join() === was.join(), `left: ${await order(page)}`);
    await v.close();
    return v.faults;
  },
  "two devices change one block, and nothing is lost": async (world) => {
    const v = await window_(world);
    const { page, context } = v;
    await openBlock(page, "Workshops in Utrecht");
    const other = await context.newPage();
    await other.goto(page.url());
    const field = (p) => p.locator("form[data-autosave] [name=title]");
    await answered(other, () => field(other).fill("Theirs"), patched(200));
    await answered(page, () => field(page).fill("Mine"), patched(409));
    const clash = page.locator(".clash");
    assert(/Changed on another device at \d\d:\d\d/.test(await clash.innerText()) && (await clash.innerText()).includes("Theirs"), "the choice does not show both");
    assert((await field(page).inputValue()) === "Mine", "what was typed is gone");
    await inspect(v, "window-conflict");
    await answered(page, () => page.getByRole("button", { name: "Keep mine" }).click(), posted);
    assert((await field(page).inputValue()) === "Mine" && (await clash.count()) === 0, "mine was not kept");
    await answered(other, () => field(other).fill("Theirs again"), patched(409));
    await answered(other, () => other.getByRole("link", { name: "Use theirs" }).click(), got);
    assert((await field(other).inputValue()) === "Mine", `the other device shows ${await field(other).inputValue()}`);
    await answered(other, () => field(other).fill("Workshops in Utrecht"), patched(200));
    await v.close();
    return v.faults;
  },
  "a colour that cannot carry letters is adjusted, and the preview wears it": async (world) => {
    const v = await window_(world, { viewport: phone });
    const { page } = v;
    await page.goto(`${world.app}/app/window/theme`);
    const was = await page.locator("[name=hex]").inputValue();
    for (const [colour, adjusted] of [["#ffe600", true], ["#ffffff", true], ["#000000", false], ["#ffb3d1", true]]) {
      await page.locator("[name=hex]").fill(colour);
      const [r] = await Promise.all([page.waitForResponse((r) => posted(r) && r.url().endsWith("/theme")), page.locator("[name=hex]").press("Tab")]);
      await r.finished();
      await page.waitForFunction((c) => document.querySelector("[name=was]").value === c, colour);
      assert((await page.getByText("We adjusted the lettering").count()) > 0 === adjusted, `${colour}: the notice is wrong`);
      await inspect(v, `theme ${colour}`);
      await page.goto(`${world.app}/app/window/preview`);
      assert((await page.locator("html").getAttribute("data-theme")) === "house", "the preview wears something else");
      await inspect(v, `preview ${colour}`);
      await page.goto(`${world.app}/app/window/theme`);
    }
    await page.locator("[name=hex]").fill(was);
    await Promise.all([page.waitForResponse((r) => posted(r) && r.url().endsWith("/theme")), page.locator("[name=hex]").press("Tab")]);
    await v.close();
    return v.faults;
  },
  "without script: add, write, move, remove, undo, publish": async (world) => {
    const v = await window_(world, { javaScript: false });
    const { page } = v;
    await page.goto(`${world.app}/app/window/add`);
    await page.locator("#add-link").click();
    await page.waitForURL(/\?b=/);
    await page.locator("[name=title]").fill("Written by hand");
    await page.locator("[name=url]").fill("example.com/hand");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/\?b=/);
    await page.locator("#dock-up").click();
    await page.getByRole("link", { name: "Move to…" }).click();
    await page.locator("#place-1").click();
    await page.goto(`${world.app}/app/window`);
    await page.locator(".blk__go").first().click();
    assert((await page.locator("[name=title]").inputValue()) === "Written by hand", "not first");
    await page.locator("#dock-remove").click();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#publish-now").click();
    await page.getByText("Everyone sees it now.").waitFor();
    await page.goto(`${world.shop}/@ilse`);
    await page.getByText("Written by hand").waitFor();
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#take-back").click();
    await page.goto(`${world.app}/app/window`);
    await page.locator(".blk__go").first().click();
    await page.locator("#dock-remove").click();
    await v.close();
    return v.faults;
  },
  "a visitor writes to the creator from the shop, with and without script": async (world) => {
    await seed(world);
    const faults = [];
    for (const javaScript of [true, false]) {
      const v = await open({ javaScript });
      const { page } = v;
      await page.goto(`${world.shop}/@ilse`);
      await page.locator(".contact button").click();
      await page.getByText("Your message was not sent yet").waitFor();
      if (javaScript) await inspect(v, "contact-mistakes");
      await page.getByLabel("Your name").fill("Bea");
      await page.getByLabel(/Your e-mail/).fill(`bea${javaScript}@mail.example`);
      await page.getByLabel("Message").fill("Is the alphabet for sale as a stamp?");
      await page.locator(".contact button").click();
      await page.waitForURL(/contact\/sent/);
      if (javaScript) await inspect(v, "contact-sent");
      assert((await v.context.cookies()).length === 0, "the shop has set a cookie");
      faults.push(...v.faults);
      await v.close();
    }
    const v = await open();
    await signIn(world, v.page, "ilse@vitrine.example");
    await v.page.goto(`${world.app}/app/messages`);
    await v.page.getByText("Is the alphabet for sale as a stamp?").first().waitFor();
    await inspect(v, "messages");
    await v.close();
    return [...faults, ...v.faults];
  },
};
