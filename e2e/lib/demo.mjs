// The shops of `make seed`, each filled once a run: three that the journeys share, and those that a journey asks for.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const filled = {};
let last = Promise.resolve();
export function seed(world, ...more) {
  const fresh = ["noor", "lowtide", "ilse", ...more].filter((slug) => !filled[slug]);
  if (fresh.length) {
    last = last.then(() => promisify(execFile)(process.env.VITRINE_BIN ?? "bin/vitrine", ["seed", ...fresh], { env: { ...process.env, VITRINE_DATA: world.data, DATABASE_URL: "" } }));
    for (const slug of fresh) filled[slug] = true;
  }
  return last;
}

export const password = "a lit window at night";

export async function signIn(world, page, who = "noor@vitrine.example") {
  await page.goto(`${world.app}/login`);
  await page.getByLabel("E-mail").fill(who);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/app\/today/);
}

// control tells the sandbox something.
export async function control(world, path, body = {}) {
  const r = await fetch(`${world.sandbox}/control${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!r.ok) throw new Error(`${path}: ${r.status} ${await r.text()}`);
  return r.json().catch(() => ({}));
}

// toPayment goes from a product's page to the hosted payment page.
export async function toPayment(world, page, email, product = "/@noor/p/forty-glazes-that-dont-run") {
  await page.goto(world.shop + product);
  await page.locator("#buy-bar").click();
  await page.getByLabel("Email for your receipt").fill(email);
  await page.locator("input[type=checkbox]").check();
  await page.locator("main form button[type=submit]").first().click();
  await page.waitForURL(/stripe\/pay/);
}

export async function payByCard(page, number) {
  await page.locator("#number").fill(number);
  await page.locator("#expiry").fill("12/34");
  await page.locator("#cvc").fill("123");
  if (!(await page.locator("#name").inputValue())) await page.locator("#name").fill("Ines Moreau");
  await page.locator("button[type=submit]").last().click();
}
