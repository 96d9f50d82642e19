// What was done in a window: taken back and done again, across a reload and on two devices; versions; times.
import { assert, inspect, open } from "../lib/browser.mjs";
import { seed, signIn } from "../lib/demo.mjs";

async function window_(world, options = {}) {
  await seed(world);
  const v = await open(options);
  await signIn(world, v.page, "ilse@vitrine.example");
  await v.page.goto(`${world.app}/app/window`);
  return v;
}
const order = (page) => page.locator("#blocks > [data-block]").evaluateAll((els) => els.map((e) => e.dataset.name));
const off = (page, name) => page.locator(`[data-name="${name}"] > .blk--off`).count();
const posted = (page, act) =>
  Promise.all([page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/app/window")), act()]).then(async ([r]) => {
    await r.finished();
    await page.waitForFunction(() => !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"));
    return r;
  });
const openBlock = async (page, name) => {
  await page.locator(`[data-name="${name}"] .blk__go`).click();
  await page.locator("form[data-autosave]").waitFor();
};
const label = (page, id) => page.locator(`#${id}`).getAttribute("aria-label");
const until = (page, f, arg, what) => page.waitForFunction(f, arg, { timeout: 10000 }).catch(() => assert(false, what));

export const journeys = {
  "undo and redo, across a reload and on two devices": async (world) => {
    const a = await window_(world);
    const b = await window_(world, { viewport: { width: 1280, height: 800 } });
    const was = await order(a.page);
    const name = was.at(-2);
    await until(a.page, () => document.getElementById("elsewhere").innerText.includes("2 devices"), null, "nothing says that the window is open elsewhere");
    await openBlock(a.page, name);
    await posted(a.page, () => a.page.locator("#dock-hide").click());
    assert((await label(a.page, "undo")) === `Undo: hid ${name}`, `the button says ${await label(a.page, "undo")}`);
    await inspect(a, "window-history");
    await until(b.page, (n) => document.querySelector(`[data-name="${n}"] > .blk--off`), name, "the other device has not heard of it");
    await a.page.reload();
    await posted(a.page, () => a.page.locator("#undo").click());
    assert((await off(a.page, name)) === 0, "not taken back");
    assert((await a.page.locator("#say").innerText()).includes("Undone"), "nothing is said");
    await until(b.page, (n) => !document.querySelector(`[data-name="${n}"] > .blk--off`), name, "the other device still shows it hidden");
    assert((await label(b.page, "redo")) === `Do again: hid ${name}`, `the other device offers ${await label(b.page, "redo")}`);
    await b.page.locator(`[data-name="${was[0]}"] .blk__go`).focus();
    await posted(b.page, () => b.page.keyboard.press("Control+Shift+Z"));
    assert((await off(b.page, name)) === 1, "not done again by keys");
    await posted(b.page, () => b.page.keyboard.press("Control+Z"));
    assert((await order(b.page)).join() === was.join() && (await off(b.page, name)) === 0, "not as it was");
    for (const v of [a, b]) await v.close();
    return [...a.faults, ...b.faults];
  },
  "what is being written is not touched by another device": async (world) => {
    const a = await window_(world);
    const b = await window_(world);
    const name = (await order(a.page)).at(-2);
    const other = (await order(a.page)).at(-3);
    await openBlock(a.page, name);
    await a.page.locator("form[data-autosave] [name=title]").focus();
    await openBlock(b.page, name);
    await b.page.locator("form[data-autosave] [name=note]").fill("From the other");
    await b.page.waitForFunction(() => /Saved/.test(document.getElementById("save-state").innerText));
    await b.page.locator("#dock-done").click();
    await openBlock(b.page, other);
    await posted(b.page, () => b.page.locator("#dock-up").click());
    await until(a.page, () => document.getElementById("builder").dataset.newer === "true", null, "nothing notes that the draft is newer");
    const title = a.page.locator("form[data-autosave] [name=title]");
    await title.press("End");
    await a.page.keyboard.type(" mine");
    await a.page.locator(".clash").waitFor();
    assert((await title.inputValue()) === `${name} mine`, "what was typed is gone");
    await inspect(a, "window-clash-two-devices");
    await posted(a.page, () => a.page.locator(".clash form button[type=submit]").first().click());
    assert((await order(a.page)).includes(`${name} mine`), "mine is not kept");
    for (let i = 0; i < 3; i++) await posted(a.page, () => a.page.locator("#undo").click());
    assert((await order(a.page)).join() !== "", "nothing is left");
    for (const v of [a, b]) await v.close();
    return [...a.faults, ...b.faults];
  },
  "an earlier version is looked at, brought back, and sent away again": async (world) => {
    const v = await window_(world);
    const { page } = v;
    const was = await order(page);
    await openBlock(page, was.at(-1));
    await posted(page, () => page.locator("#dock-remove").click());
    await page.goto(`${world.app}/app/window/versions`);
    await inspect(v, "window-versions");
    const first = page.locator(".version", { hasText: "Public now" });
    await first.getByRole("link", { name: "Look" }).click();
    await page.getByText("Preview of a draft.").waitFor();
    assert(page.url().startsWith(world.shop), `the draft is shown at ${page.url()}`);
    await inspect(v, "window-version-look");
    await page.goto(`${world.app}/app/window/versions`);
    await page.locator(".version", { hasText: "Public now" }).getByRole("button", { name: "Bring back to draft" }).click();
    await page.waitForURL(/\/app\/window$/);
    assert((await order(page)).join() === was.join(), `brought back ${await order(page)}`);
    await posted(page, () => page.locator("#undo").click());
    assert((await order(page)).length === was.length - 1, "bringing back cannot be undone");
    await posted(page, () => page.locator("#undo").click());
    assert((await order(page)).join() === was.join(), "not as it was");
    await v.close();
    return v.faults;
  },
  "a block has its time": async (world) => {
    const v = await window_(world);
    const { page } = v;
    const name = (await order(page)).at(-2);
    await openBlock(page, name);
    await page.getByText("Schedule…").click();
    await page.locator("#hours-from").fill("2099-01-01T10:00");
    await page.locator("#hours-until").fill("2098-01-01T10:00");
    await inspect(v, "window-hours");
    await posted(page, () => page.locator("#hours-keep").click());
    await page.getByText("after the beginning").waitFor();
    await page.locator("#hours-until").fill("2099-02-01T10:00");
    await posted(page, () => page.locator("#hours-keep").click());
    await page.locator("#dock-done").click();
    await page.getByText("Shown from 1 January 2099, 10:00").waitFor();
    await posted(page, () => page.locator("#undo").click());
    assert((await page.getByText("Shown from 1 January 2099").count()) === 0, "not taken back");
    await v.close();
    return v.faults;
  },
};
