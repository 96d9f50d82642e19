// The way of the money: a creator says where to, a buyer pays, part of it goes back, a bank asks, a person looks.
import { readFile } from "node:fs/promises";
import { assert, inspect, open, small } from "../lib/browser.mjs";
import { control, payByCard, seed, signIn, toPayment } from "../lib/demo.mjs";
import { mail } from "../lib/world.mjs";

const noor = "noor@vitrine.example";
const ilse = "ilse@vitrine.example";

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
  "a creator says where payouts go to and how often": async (world) => {
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

    await v.close();
    return faults;
  },
  "a PayPal address counts once its link was followed": async (world) => {
    const v = await creator(world, { viewport: small, dark: true }, ilse);
    const { page, faults } = v;
    await page.goto(`${world.app}/app/payouts/methods`);
    await page.locator("#paypal input[name=address]").fill("ilse at paypal");
    await page.locator("#add-paypal").click();
    await page.getByRole("alert").first().waitFor();
    await page.locator("#paypal input[name=address]").fill("ilse@paypal.example");
    await page.locator("#add-paypal").click();
    await page.getByText("Not confirmed").waitFor();
    await inspect(v, "money-paypal-asked");
    const m = await mail(world, ilse, /payout/i);
    await page.goto(m.text.match(/http\S+\/confirm\/\w+/)[0]);
    await inspect(v, "money-paypal-confirm");
    await page.locator("main form button[type=submit]").first().click();
    await page.waitForURL(`${world.app}/app/payouts/methods`);
    assert((await page.locator("main").innerText()).includes("In use"), "the address is not in use");
    await inspect(v, "money-paypal-ready");
    await v.close();
    return faults;
  },
  "a sale is followed from the payment to the bank": async (world) => {
    await seed(world);
    const buyer = await open();
    await toPayment(world, buyer.page, "way@mail.example");
    await payByCard(buyer.page, "4000000000000077"); // Stripe lets the platform use this money at once
    await buyer.page.waitForURL(/\/o\//, { timeout: 20000 });
    await buyer.close();

    const v = await creator(world);
    const { page, faults } = v;
    const where = () => page.goto(`${world.app}/app/payouts`);
    await where();
    await until(page, /Pending[^]*becomes available on \d/);
    await inspect(v, "money-pending");
    await page.goto(`${world.app}/app/payouts/methods`);
    await page.locator("#plan input[value=daily]").check();
    await page.locator("#save-plan").click();
    await page.locator("#plan .note--good").waitFor();

    await world.restart({ SETTLEMENT_DAYS: "0" }); // a week later
    await where();
    await until(page, /Leaves on \d/);
    await inspect(v, "money-available");

    await world.restart({ SETTLEMENT_DAYS: "0", INSTANCE_TIME_ZONE: "Etc/GMT-14", PAYOUT_HOUR: "0" }); // the day has come
    await where();
    await until(page, /Should arrive by \d/);
    await inspect(v, "money-sent");
    await page.locator("a", { hasText: "Payout 1" }).first().click();
    await page.waitForURL(/\/app\/payouts\/[0-9a-f-]+$/);
    await inspect(v, "money-payout-sent");
    await control(world, "/stripe/payouts/settle");
    await until(page, /Paid|arrived/i);
    await inspect(v, "money-payout-paid");
    const pdf = await bytesOf(page, () => page.locator("#pdf").click());
    assert(pdf.bytes.subarray(0, 5).toString() === "%PDF-", "the statement is no PDF");
    const csv = await bytesOf(page, () => page.locator("#csv").click());
    const lines = csv.bytes.toString().trim().split(/\r?\n/);
    assert(/\.csv$/.test(csv.name) && lines.length >= 2 && /sale/i.test(lines[1]), `the statement as CSV: ${lines}`);
    await page.locator(".lines a").first().click();
    await inspect(v, "money-story");

    await page.goto(`${world.app}/app/payouts/transactions`);
    await inspect(v, "money-transactions");
    await page.locator("#filter").click();
    await inspect(v, "money-transactions-filter");
    const [r] = await Promise.all([page.waitForResponse((r) => r.url().includes("kind=payout")), page.locator("#which select").first().selectOption("payout")]);
    await r.finished();
    const all = await bytesOf(page, () => page.locator("#csv").click());
    assert(all.bytes.toString().trim().split(/\r?\n/).slice(1).every((l) => /payout/i.test(l)), `the log as CSV: ${all.bytes}`);

    await page.goto(`${world.app}/app/payouts/fees`);
    await inspect(v, "money-fees");
    const was = await page.locator("#you-get").innerText();
    await page.locator("#simulator input[name=price]").fill("49.90");
    await page.waitForFunction((w) => document.getElementById("you-get").innerText !== w, was);
    await page.locator("#simulator input[type=radio]").nth(1).check();
    await page.waitForFunction(() => !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"));
    await inspect(v, "money-fees-refund");
    await v.close();
    return faults;
  },
};
