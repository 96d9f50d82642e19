// Buying with each kind of test card, and having what was bought.
import { readFile } from "node:fs/promises";
import { assert, inspect, open } from "../lib/browser.mjs";
import { control, payByCard, seed, toPayment } from "../lib/demo.mjs";
import { mail } from "../lib/world.mjs";

async function have(v, world, email) {
  const { page } = v;
  await page.waitForURL(/\/o\//, { timeout: 20000 });
  await page.getByRole("heading", { name: "Thank you" }).waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /Download/ }).first().click()]);
  const bytes = await readFile(await download.path());
  assert(bytes.subarray(0, 5).toString() === "%PDF-", "the file is no PDF");
  assert(download.suggestedFilename() === "forty-glazes.pdf", download.suggestedFilename());
  const m = await mail(world, email, /Forty glazes|receipt|order/i);
  assert(m.text.includes("/o/"), `no link in the receipt:\n${m.text}`);
}

const decline = (number, says) => async (world) => {
  await seed(world);
  const v = await open();
  const email = `d${number.slice(-4)}@mail.example`;
  await toPayment(world, v.page, email);
  await payByCard(v.page, number);
  await v.page.getByRole("alert").first().waitFor();
  const text = await v.page.getByRole("alert").first().innerText();
  assert(says.test(text), text);
  await payByCard(v.page, "4242424242424242");
  await have(v, world, email);
  await v.close();
  return v.faults;
};

export const journeys = {
  "a card that works: page, checkout, payment, order, file, receipt, library": async (world) => {
    await seed(world);
    const v = await open();
    const { page, faults } = v;
    await page.goto(`${world.shop}/@noor`);
    await inspect(v, "shop");
    await page.getByRole("link", { name: /Forty glazes/ }).first().click();
    await inspect(v, "product");
    await page.locator("#buy-bar").click();
    await inspect(v, "checkout");
    await page.locator("main form button[type=submit]").first().click();
    await page.getByRole("alert").waitFor();
    await inspect(v, "checkout-refused");
    await page.getByLabel("Email for your receipt").fill("ines@mail.example");
    await page.locator("input[type=checkbox]").check();
    await page.locator("main form button[type=submit]").first().click();
    await page.waitForURL(/stripe\/pay/);
    await payByCard(page, "4242424242424242");
    await have(v, world, "ines@mail.example");
    await inspect(v, "order");
    await page.goto(`${world.app}/my`);
    await inspect(v, "my");
    await page.locator("#email").fill("ines@mail.example");
    await page.locator("main form button[type=submit]").first().click();
    const m = await mail(world, "ines@mail.example", /bought|purchases|library/i);
    await page.goto(m.text.match(/http\S+\/my\/\S+/)[0]);
    await inspect(v, "library");
    assert((await page.locator("main").innerText()).includes("Forty glazes"), "the library does not list the order");
    await v.close();
    return faults;
  },
  "declined, then another card": decline("4000000000000002", /declined/i),
  "not enough money, then another card": decline("4000000000009995", /funds/i),
  "3-D Secure, completed": async (world) => {
    await seed(world);
    const v = await open();
    await toPayment(world, v.page, "tds@mail.example");
    await payByCard(v.page, "4000000000003220");
    await v.page.waitForURL(/3ds/);
    await v.page.locator('button[name=result][value=complete]').click();
    await have(v, world, "tds@mail.example");
    await v.close();
    return v.faults;
  },
  "3-D Secure, failed, then another card": async (world) => {
    await seed(world);
    const v = await open();
    await toPayment(world, v.page, "tdf@mail.example");
    await payByCard(v.page, "4000000000003220");
    await v.page.waitForURL(/3ds/);
    await v.page.locator('button[name=result][value=fail]').click();
    await v.page.getByRole("alert").first().waitFor();
    await payByCard(v.page, "4242424242424242");
    await have(v, world, "tdf@mail.example");
    await v.close();
    return v.faults;
  },
  "a delayed method: waiting, then settled": async (world) => {
    await seed(world);
    const v = await open();
    const { page } = v;
    await toPayment(world, page, "sepa@mail.example");
    await page.locator("#method-sepa").check();
    await page.locator("#iban").fill("AT611904300234573201");
    if (!(await page.locator("#name").inputValue())) await page.locator("#name").fill("Ines Moreau");
    await page.locator("button[type=submit]").last().click();
    await page.waitForURL(/checkout\/return|\/o\//);
    // This page loads itself again until the money has come: without script there is no other way to hear of it.
    await inspect(v, "waiting", { except: ["meta-refresh"] });
    await control(world, "/stripe/settle");
    await page.waitForURL(/\/o\//, { timeout: 20000 });
    for (let i = 0; i < 50 && !(await page.getByRole("heading", { name: "Thank you" }).isVisible()); i++) {
      await page.waitForTimeout(200);
      await page.reload();
    }
    await have(v, world, "sepa@mail.example");
    await v.close();
    return v.faults;
  },
  "the whole purchase without JavaScript": async (world) => {
    await seed(world);
    const v = await open({ javaScript: false });
    await toPayment(world, v.page, "nojs@mail.example");
    await payByCard(v.page, "4242424242424242");
    await have(v, world, "nojs@mail.example");
    await v.close();
    return v.faults;
  },
};
