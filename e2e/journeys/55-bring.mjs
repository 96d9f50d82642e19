// A page is brought from elsewhere: without a script on a phone, by keys on a small one in the dark, a file, and what
// goes wrong on the way. The page stands on this machine; the configuration allows it to be read.
import { createServer } from "node:http";
import { assert, inspect, open, phone, small, wide } from "../lib/browser.mjs";
import { seed, signIn } from "../lib/demo.mjs";

const html = `<!doctype html><html lang="en"><head><title>Lind Ceramics</title><meta name="description" content="Bowls from Halle."></head><body><h1>Lind Ceramics</h1><p>Bowls from Halle, since 2009.</p>
<h2>Shop</h2><div class="card"><img src="/img/cup.png" alt="A blue cup"><h3>Blue cup, as a pattern</h3><p>Twelve pages.</p><span>€24.50</span><a href="/p/cup">Buy</a></div><div class="card"><h3>Poster</h3><span>$12.00</span></div>
<h2>More</h2><p><a href="https://example.com/classes">Classes</a></p><p><a href="http://example.com/old">An older page</a></p><p><a href="https://www.instagram.com/lind">Instagram</a></p><p><a href="tel:123">Call me</a></p>
<details><summary>Do you ship?</summary><p>Within the EU.</p></details><blockquote>The cup I use every day.<footer>— Siv</footer></blockquote><img src="/img/kiln.png" alt="The kiln"></body></html>`;
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAoAAAAICAIAAABPmPnhAAAAFUlEQVR4nGNk+M9AADASUjCqgjIFAF5gAgm0Yx0RAAAAAElFTkSuQmCC", "base64");
const list = "Email,Name,Status\nmia@example.com,Mia,active\nbo@example.com,Bo,unsubscribed\n";

async function site() {
  const s = createServer((q, r) => {
    if (q.url === "/") return r.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(html);
    if (q.url.startsWith("/img/")) return r.writeHead(200, { "Content-Type": "image/png" }).end(png);
    r.writeHead(404).end();
  });
  await new Promise((done) => s.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${s.address().port}/`, allow: `127.0.0.1:${s.address().port}`, stop: () => s.close() };
}

// brought goes as far as the list to choose from, which the page reaches by itself.
async function found(world, v, url) {
  await v.page.goto(`${world.app}/app/window/bring`);
  await v.page.locator("#url").fill(url);
  await v.page.locator("#bring-go").click();
  await v.page.waitForURL(/window\/bring\/[0-9a-f-]{36}$/);
  await v.page.locator("#bring-take, #alert").waitFor({ timeout: 30000 });
}

// allowed runs something while the page may be read.
async function allowed(world, run) {
  await seed(world);
  const page = await site();
  await world.restart({ FETCH_ALLOW: page.allow });
  try {
    return await run(page);
  } finally {
    page.stop();
    await world.restart();
  }
}

async function pageAndBack(world, page, name, who, options) {
  const v = await open(options);
  const look = (what) => (options.javaScript === false ? null : inspect(v, `${what} ${name}`));
  await signIn(world, v.page, who);
  await v.page.goto(`${world.app}/app/window/bring`);
  await look("bring");
  await found(world, v, page.url);
  await look("found");
  assert((await v.page.locator('input[name="take"]:checked').count()) >= 8, "not everything is ticked");
  assert(await v.page.getByText("€24.50").isVisible(), "the price is not there");
  await v.page.locator("#mine").focus();
  await v.page.keyboard.press("Space");
  await v.page.locator("#bring-take").focus();
  await v.page.keyboard.press("Enter");
  await v.page.locator("#report-csv").waitFor();
  await v.page.getByText("still on").waitFor({ state: "hidden", timeout: 60000 });
  await look("brought");
  assert(await v.page.getByText("Prices are never converted").first().isVisible(), "the report does not say why");
  const report = v.page.url();
  await v.page.goto(`${world.app}/app/window`);
  assert((await v.page.getByText("Do you ship?").count()) > 0, "the question is not in the window");
  await v.page.goto(report);
  await v.page.locator("#bring-undo").click();
  await v.page.waitForURL(/app\/window$/);
  assert((await v.page.getByText("Do you ship?").count()) === 0, "the question is still in the window");
  await v.close();
  return v.faults;
}

async function fileAndFaults(world, page) {
  const v = await open({ viewport: wide });
  await signIn(world, v.page);
  await v.page.goto(`${world.app}/app/window/bring`);
  await v.page.locator("#file").setInputFiles({ name: "readers.csv", mimeType: "text/csv", buffer: Buffer.from(list) });
  await v.page.locator("#bring-go").click();
  await v.page.getByText("1 person for your audience").waitFor();
  await inspect(v, "people found");
  await v.page.locator("#mine").check();
  await v.page.locator("#bring-take").click();
  await v.page.locator("#bring-forget").waitFor();
  await inspect(v, "people brought");
  await found(world, v, "http://169.254.169.254/latest/meta-data");
  assert(await v.page.getByText("not on the public web").isVisible(), "an inside address was read");
  await inspect(v, "a page that may not be read");
  await found(world, v, page.url + "nowhere");
  assert(await v.page.getByText("no page at this address").isVisible(), "a page that is not there was read");
  await v.page.goto(`${world.app}/app/window/bring`);
  await v.page.locator("#file").setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: Buffer.from("PK\x03\x04") });
  await v.page.locator("#bring-go").click();
  await v.page.getByText("neither a page nor a table").first().waitFor();
  await inspect(v, "a file that cannot be read");
  await v.close();
  return v.faults;
}

export const journeys = {
  "a page is brought without a script, and taken back": (world) =>
    allowed(world, (page) => pageAndBack(world, page, "without a script", "noor@vitrine.example", { viewport: phone, javaScript: false })),
  "a page is brought by keys, on a small phone in the dark": (world) =>
    allowed(world, (page) => pageAndBack(world, page, "in the dark", "ilse@vitrine.example", { viewport: small, dark: true })),
  "people come from a file, and what cannot be read is said": (world) => allowed(world, (page) => fileAndFaults(world, page)),
};

