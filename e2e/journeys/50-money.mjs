// The way of the money: a creator says where to, a buyer pays, part of it goes back, a bank asks, a person looks.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { assert, inspect, open, small, wide } from "../lib/browser.mjs";
import { control, payByCard, seed, signIn, toPayment } from "../lib/demo.mjs";
import { mail, payoutDay, weekLater } from "../lib/world.mjs";

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

// bought is an order of somebody's, paid by card; its page stays open.
async function bought(world, email, card = "4242424242424242", options = {}) {
  await seed(world);
  const v = await open(options);
  await toPayment(world, v.page, email);
  await payByCard(v.page, card);
  await v.page.waitForURL(/\/o\//, { timeout: 20000 });
  return v;
}

// orderOf opens a buyer's newest order as its creator.
async function orderOf(world, page, email) {
  await page.goto(`${world.app}/app/orders?q=${encodeURIComponent(email)}`);
  await page.locator("#orders .row a").first().click();
  await page.waitForURL(/\/app\/orders\/[0-9a-f-]+$/);
}

// told finds what the sandbox has last told about something.
async function told(world, type) {
  const { events } = await (await fetch(`${world.sandbox}/control/stripe/events?type=${type}`)).json();
  return events.at(-1).object;
}

// operator makes one on the server and returns the password.
async function operator(world, email) {
  const password = "a desk with two keys to it";
  const child = spawn(process.env.VITRINE_BIN ?? "bin/vitrine", ["admin", "create", email], { env: { ...process.env, VITRINE_DATA: world.data, DATABASE_URL: "" }, stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(`${password}\n`);
  const code = await new Promise((done) => child.once("exit", done));
  assert(code === 0, `admin create ended with ${code}`);
  return password;
}

// totp is the code of an authenticator app (RFC 6238).
function totp(secret, at = Date.now()) {
  const bits = [...secret.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = createHmac("sha1", key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
}

export const journeys = {
  "a creator says where payouts go to and how often": async (world) => {
    const v = await creator(world);
    const { page, faults } = v;
    await page.goto(`${world.app}/app/payouts`);
    await inspect(v, "money-empty");
    await page.getByRole("link", { name: /where to be paid|Set up payouts/i }).first().click();
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
    await payByCard(buyer.page, "4242424242424242");
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

    await world.restart(weekLater);
    await where();
    await until(page, /Leaves on \d/);
    await inspect(v, "money-available");

    await control(world, "/stripe/balance/clear"); // what buyers paid reaches the platform's account
    await world.restart(payoutDay);
    await where();
    await until(page, /Should arrive by \d/);
    await inspect(v, "money-sent");
    await page.locator("a", { hasText: "Payout 1" }).first().click();
    await page.waitForURL(/\/app\/payouts\/[0-9a-f-]+$/);
    await inspect(v, "money-payout-sent");
    await control(world, "/stripe/payouts/settle");
    await until(page, /Arrived/);
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
  "a part is given back, and the rest is asked for": async (world) => {
    const buyer = await bought(world, "part@mail.example");
    const v = await creator(world);
    const { page, faults } = v;
    await orderOf(world, page, "part@mail.example");
    await inspect(v, "money-order");
    await page.locator("#refund-go").click();
    await page.waitForURL(/\/refund$/);
    await page.locator("#amount").fill("1000");
    await page.locator("#look").click();
    await page.getByRole("alert").first().waitFor();
    await inspect(v, "money-refund-too-much");
    await page.locator("#amount").fill("5.00");
    await inspect(v, "money-refund");
    await page.locator("#look").click();
    await page.locator("#sure").waitFor();
    await inspect(v, "money-refund-sure");
    await page.locator("#do").click();
    await page.waitForURL(/\/app\/orders\/[0-9a-f-]+$/);
    await until(page, /Partly refunded/);
    await inspect(v, "money-order-refunded");
    const m = await mail(world, "part@mail.example", /refund/i);
    assert(m.text.includes("€5"), m.text);
    await buyer.page.reload();
    await until(buyer.page, /Partly refunded/);
    await inspect(buyer, "money-buyer-refunded");
    await buyer.page.locator("#ask-refund").click();
    await buyer.page.waitForURL(/\/refund$/);
    await buyer.page.locator("#ask-go").click();
    await buyer.page.getByRole("alert").first().waitFor();
    await inspect(buyer, "money-ask-mistakes");
    await buyer.page.locator("#ask input[type=radio]").first().check();
    await buyer.page.locator("#ask textarea").fill("It is lovely, but my kiln only does earthenware.");
    await buyer.page.locator("#ask-go").click();
    await buyer.page.waitForURL(/\/(refund|o\/[^/]+)$/);
    await inspect(buyer, "money-asked");
    await mail(world, noor, /asks for a refund/);
    await page.reload();
    await page.getByText("my kiln only does earthenware").waitFor();
    await inspect(v, "money-order-asked");
    await page.locator("#answer").fill("Half of the glazes are for earthenware: pages 20 to 38.");
    await page.locator("#decline").click();
    await page.waitForURL(/\/app\/orders\/[0-9a-f-]+$/);
    await mail(world, "part@mail.example", /answered your request/);
    await buyer.page.goto(buyer.page.url().replace(/\/refund$/, "") + "/refund");
    await buyer.page.getByText("pages 20 to 38").waitFor();
    await inspect(buyer, "money-answered");
    await page.goto(`${world.app}/app/payouts/transactions`);
    assert(/Refund, order \d/.test(await page.locator("main").innerText()), "the log has no refund");
    await inspect(v, "money-transactions-refund");
    await v.close();
    await buyer.close();
    return [...faults, ...buyer.faults];
  },
  "a bank takes a payment back, is answered, and gives it back": async (world) => {
    const buyer = await bought(world, "bank@mail.example");
    await control(world, "/stripe/dispute", { charge: await told(world, "charge.succeeded"), reason: "product_not_received" });
    const v = await creator(world);
    const { page, faults } = v;
    const m = await mail(world, noor, /took .* back/);
    await page.goto(m.text.match(/http\S+\/app\/disputes\/[0-9a-f-]+/)[0]);
    await page.locator("#words").waitFor();
    await inspect(v, "money-dispute");
    await page.locator("#words").fill("The file was downloaded twice from the buyer's own address on the day of the purchase.");
    await page.locator("#save").click();
    await page.locator("#words-form .note--good").waitFor();
    await page.locator("#attach").click();
    await page.getByRole("alert").first().waitFor();
    await page.locator("input[type=file]").setInputFiles({ name: "letter.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n") });
    await page.locator("#attach").click();
    await page.getByText("letter.pdf").first().waitFor();
    await inspect(v, "money-dispute-draft");
    await page.goto(`${world.app}/app/payouts`);
    await inspect(v, "money-disputed");
    await page.goto(`${world.app}/app/disputes`);
    await inspect(v, "money-disputes");
    await page.locator(".row a").first().click();
    await page.locator("#send").click();
    await until(page, /sent|bank reads|under review/i);
    await inspect(v, "money-dispute-sent");
    await control(world, "/stripe/dispute/decide", { dispute: await told(world, "charge.dispute.created"), won: true });
    await until(page, /won/i);
    await inspect(v, "money-dispute-won");
    await page.goto(`${world.app}/app/payouts/transactions`);
    await until(page, /Given back by the buyer.s bank/);
    await inspect(v, "money-transactions-dispute");
    await v.close();
    await buyer.close();
    return [...faults, ...buyer.faults];
  },
  "two orders are looked at by keys alone: one goes out, one goes back": async (world) => {
    await control(world, "/stripe/radar", { allow: true });
    const good = await bought(world, "good@mail.example", "4000000000004954");
    const bad = await bought(world, "bad@mail.example", "4000000000004954");
    await until(good.page, /We are checking your order/);
    await inspect(good, "money-checking");
    await mail(world, "good@mail.example", /We are checking your order/);

    const password = await operator(world, "desk@vitrine.example");
    const v = await open({ viewport: wide });
    const { page, faults } = v;
    await page.goto(`${world.app}/login`);
    await page.getByLabel("E-mail").fill("desk@vitrine.example");
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/start/);
    await page.goto(`${world.app}/admin/risk`);
    await page.waitForURL(/security/); // operators sign in with two steps
    await inspect(v, "money-two-steps");
    await page.locator("#set-up").click();
    const secret = (await page.locator("#secret").innerText()).replaceAll(/\s/g, "");
    await page.locator("#code").fill(totp(secret)); // the sixth digit sends it
    await page.locator("#kept").waitFor();
    await page.locator("#kept").click();

    await page.goto(`${world.app}/admin/risk`);
    await page.locator("#queue").waitFor();
    await inspect(v, "money-desk");
    const decide = async (key, words, sure) => { // of the one that has waited longest
      await page.goto(`${world.app}/admin/risk`);
      await page.keyboard.press("j");
      await page.keyboard.press(key);
      await page.waitForURL(/\?do=/);
      await page.waitForFunction(() => document.activeElement?.name === "reason");
      await inspect(v, `money-desk-${key}`);
      await page.keyboard.type(words);
      if (sure) {
        await page.keyboard.press("Tab");
        await page.keyboard.press("Space");
      }
      await Promise.all([page.waitForResponse((r) => r.request().method() === "POST"), page.keyboard.press("Enter")]);
    };
    await decide("a", "Known from the workshop, wrote from the same address before");
    await page.locator("#flash").waitFor();
    await decide("r", "The holder of the card has never heard of it", true);
    await page.locator("#flash").waitFor();
    await inspect(v, "money-desk-done");
    for (const [path, name] of [["", "open"], ["/blocks", "blocks"], ["/decisions", "log"]]) {
      await page.goto(`${world.app}/admin/risk${path}`);
      await page.setViewportSize(small);
      await page.emulateMedia({ colorScheme: "dark" });
      await inspect(v, `money-desk-small-${name}`);
    }
    await good.page.reload();
    await until(good.page, /Thank you/);
    const file = await bytesOf(good.page, () => good.page.getByRole("button", { name: /Download/ }).first().click());
    assert(file.bytes.subarray(0, 5).toString() === "%PDF-", "the file is no PDF");
    await bad.page.reload();
    await until(bad.page, /Refunded/);
    await inspect(bad, "money-refunded-by-desk");
    await v.close();
    await good.close();
    await bad.close();
    return [...faults, ...good.faults, ...bad.faults];
  },
  "every page of the money, light and dark, small and wide": async (world) => {
    await seed(world);
    const faults = [];
    let paths;
    for (const [viewport, dark] of [[small, false], [small, true], [wide, false]]) {
      const v = await open({ viewport, dark });
      const { page } = v;
      await signIn(world, page);
      const first = async (path, link) => {
        await page.goto(world.app + path);
        return (await page.locator(link).first().getAttribute("href")) ?? path;
      };
      paths ??= ["/app/payouts", "/app/payouts/methods", "/app/payouts/fees?price=49.90&case=lost", "/app/payouts/transactions?kind=sale", "/app/disputes",
        await first("/app/payouts", "a[id^=payout-]"), await first("/app/payouts/transactions", ".lines a[href*=orders]"), await first("/app/disputes", ".lines a"),
        await first("/app/orders?q=part@mail.example", "#orders .row a"), `${await first("/app/orders?q=part@mail.example", "#orders .row a")}/refund`, await first("/app/payouts/methods", "a[href$=disconnection]")];
      for (const p of paths) {
        await page.goto(world.app + p);
        await inspect(v, `money all ${viewport.width}${dark ? " dark" : ""} ${paths.indexOf(p)}`);
      }
      faults.push(...v.faults);
      await v.close();
    }
    return faults;
  },
  "paid with PayPal, without script": async (world) => {
    await seed(world);
    const v = await open({ javaScript: false });
    const { page, faults } = v;
    await page.goto(`${world.shop}/@noor/p/forty-glazes-that-dont-run`);
    await page.locator("#buy-bar").click();
    await page.getByLabel("Email for your receipt").fill("robin@mail.example");
    await page.locator("input[type=checkbox]").check();
    await page.locator("#paypal").click();
    await page.waitForURL(/checkoutnow/);
    await page.locator("input[name=buyer][value=robin]").check();
    await page.locator("button[name=do][value=pay]").click();
    await page.waitForURL(/\/o\//, { timeout: 20000 });
    await until(page, /Thank you/);
    assert(/Paid by\s+PayPal/.test(await page.locator("main").innerText()), "not paid by PayPal");
    const file = await bytesOf(page, () => page.getByRole("button", { name: /Download/ }).first().click());
    assert(file.bytes.subarray(0, 5).toString() === "%PDF-", "the file is no PDF");
    await mail(world, "robin@mail.example", /receipt|order|Forty/i);
    await v.close();
    return faults;
  },
};
