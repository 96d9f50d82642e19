// The way of the money: a creator says where to, a buyer pays, part of it goes back, a bank asks, a person looks.
import { readFile } from "node:fs/promises";
import { assert, inspect, open, small } from "../lib/browser.mjs";
import { control, payByCard, seed, signIn, toPayment } from "../lib/demo.mjs";
import { mail } from "../lib/world.mjs";

const noor = "noor@vitrine.example";

// bytesOf presses something that downloads, and returns what came.
async function bytesOf(page, press) {
  const [d] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: d.suggestedFilename(), bytes: await readFile(await d.path()) };
}

async function creator(world, options, who = noor) {
  await seed(world);
  const v = await open(options);
  await signIn(world, v.page, who);
  return v;
}

// until reloads a page until it says something: webhooks and jobs take a moment.
async function until(page, what, tries = 60) {
  for (let i = 0; ; i++) {
    const said = await page.locator("main").innerText();
    if (what.test(said)) return said;
    if (i === tries) throw new Error(`${page.url()} never says ${what}:\n${said}`);
    await page.waitForTimeout(250);
    await page.reload();
  }
}

export const journeys = {
  "a creator says where payouts go to: a bank account, how often, and a PayPal address": async (world) => {
    const v = await creator(world);
    const { page, faults } = v;
    await page.goto(`${world.app}/app/payouts`);
    await inspect(v, "money-empty");
    await page.locator("main .empty a").first().click();
    await page.waitForURL(/payouts\/methods/);
    await inspect(v, "money-methods-empty");
    await page.locator("#connect").click();
    await page.getByRole("alert").first().waitFor();
    await inspect(v, "money-methods-no-country");
    await page.locator("#stripe select").selectOption("NL");
    await page.locator("#connect").click();
    await page.waitForURL((u) => u.href.startsWith(world.sandbox));
    await page.locator("button[value=document]").click();
    await page.waitForURL(`${world.app}/app/payouts/methods`);
    await until(page, /Stripe asks for/);
    await inspect(v, "money-methods-wanted");
    await page.goto(`${world.app}/app/payouts`);
    await inspect(v, "money-wanted");
    await page.goto(`${world.app}/app/payouts/methods`);
    await page.locator("[id^=continue-]").click();
    await page.waitForURL((u) => u.href.startsWith(world.sandbox));
    await page.locator("button[value=complete]").click();
    await page.waitForURL(`${world.app}/app/payouts/methods`);
    assert((await page.locator("main").innerText()).includes("In use"), "the bank account is not in use");
    await inspect(v, "money-methods-ready");
    await page.locator("#plan input[value=weekly]").check();
    await page.locator("#save-plan").click();
    await page.locator("#plan .note--good").waitFor();
    assert(/next payout day is \d/.test(await page.locator("#plan").innerText()), "no next day");
    await inspect(v, "money-plan");

    await page.locator("#paypal input[name=address]").fill("noor at paypal");
    await page.locator("#add-paypal").click();
    await page.getByRole("alert").first().waitFor();
    await page.locator("#paypal input[name=address]").fill("noor@paypal.example");
    await page.locator("#add-paypal").click();
    await page.getByText("Not confirmed").waitFor();
    await inspect(v, "money-paypal-asked");
    const m = await mail(world, noor, /payout/i);
    await page.goto(m.text.match(/http\S+\/confirm\/\w+/)[0]);
    await inspect(v, "money-paypal-confirm");
    await page.locator("main form button[type=submit]").first().click();
    await page.waitForURL(`${world.app}/app/payouts/methods`);
    await inspect(v, "money-methods-two");
    await v.close();
    return faults;
  },
};
