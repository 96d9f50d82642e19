// From nothing to a published shop, as a person with a phone.
import { assert, inspect, open, small } from "../lib/browser.mjs";
import { mail } from "../lib/world.mjs";

export async function signUp(world, v, email, name) {
  const { page } = v;
  await page.goto(`${world.app}/join`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("a long enough sentence");
  await page.getByRole("button", { name: "Open your shop" }).click();
  await page.waitForURL(/join\/code/);
  const code = (await mail(world, email, /code/)).subject.match(/\d{6}/)[0];
  await page.getByLabel("Code").fill(code);
  const go = page.getByRole("button", { name: "Go on" });
  if (await go.isVisible().catch(() => false)) await go.click().catch(() => {}); // with script the sixth digit sends it
  await page.waitForURL(/start/);
  await page.getByLabel(/name/i).first().fill(name);
  await page.locator("main form button[type=submit]").first().click();
  await page.waitForURL(/start\/doors/);
  await inspect(v, "doors");
  await page.locator("#door-build").click();
  await page.waitForURL(/app\/window/);
}

async function shop(world, options, email, name) {
  const v = await open(options);
  const { page, faults } = v;
  await page.goto(world.app);
  await inspect(v, "landing");
  await page.getByRole("link", { name: "Open your shop" }).first().click();
  await inspect(v, "join");
  await page.getByLabel("E-mail").fill("not an address");
  await page.getByRole("button", { name: "Open your shop" }).click();
  await page.getByRole("alert").first().waitFor();
  await inspect(v, "join-refused");
  await signUp(world, v, email, name);
  await inspect(v, "window-new");
  return { v, page, faults };
}

async function furnish(page) {
  // a link by the sheet
  await page.locator("#dock-add").click();
  await page.locator("#add-link").click();
  await page.getByLabel("What it says").fill("My other page");
  await page.getByLabel("Where it leads").fill("https://example.com/other");
  await page.locator("#save-state", { hasText: /Saved \d/ }).waitFor();
  await page.locator("#dock-done").click();
  await page.locator("#dock-add").waitFor();
  // a way to write
  await page.locator("#dock-add").click();
  await page.locator("#add-contact").click();
  await page.getByLabel("Heading").fill("Write to me");
  await page.locator("#save-state", { hasText: /Saved \d/ }).waitFor();
  // above the link, and it says so
  await page.locator("#dock-up").click();
  await page.waitForFunction(() => document.getElementById("say").textContent.length > 0);
  // gone, and back
  await page.locator("#dock-remove").click();
  await page.getByRole("button", { name: "Undo" }).first().click();
  await page.locator("[data-block]").nth(2).waitFor();
  await page.locator("#publish-count").click();
  await page.waitForURL(/publish/);
}

export const journeys = {
  "a new creator signs up, arranges the window and publishes it": async (world) => {
    const { v, page, faults } = await shop(world, {}, "ada@mail.example", "Ada Works");
    await furnish(page);
    await inspect(v, "publish");
    await page.locator("#publish-now").click();
    await page.waitForURL(/app\//);
    await page.goto(`${world.shop}/@ada-works`);
    await inspect(v, "published");
    const text = await page.locator("main").innerText();
    assert(text.includes("My other page") && text.includes("Write to me"), `the shop says: ${text}`);
    assert((await page.locator("script:not([type='application/ld+json'])").count()) === 0, "a script on a shop page");
    await page.getByLabel("Your name").fill("Ines");
    await page.getByLabel(/e-mail/i).fill("ines@mail.example");
    await page.getByLabel("Message").fill("Do you ship to Lyon?");
    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForURL(/sent/);
    await inspect(v, "message-sent");
    const m = await mail(world, "ada@mail.example", /Ines|message/i);
    assert(m.text.includes("Do you ship to Lyon?"), m.text);
    await v.close();
    return faults;
  },
  "the same on the smallest phone, in the dark": async (world) => {
    const { v, page, faults } = await shop(world, { viewport: small, dark: true }, "bo@mail.example", "Bo Works");
    await furnish(page);
    await page.locator("#publish-now").click();
    await page.waitForURL(/app\//);
    await page.goto(`${world.shop}/@bo-works`);
    await inspect(v, "published-small");
    await v.close();
    return faults;
  },
};
