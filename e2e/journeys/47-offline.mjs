// The builder without a connection: what waits on the phone, what becomes of it, and whose it is.
import { assert, inspect, install, open } from "../lib/browser.mjs";
import { password, seed, signIn } from "../lib/demo.mjs";
import { play } from "../lib/outbox.mjs";

const cut = [/ERR_INTERNET_DISCONNECTED|Failed to fetch|net::|status of 4(01|12)/];
const field = (page, name = "title") => page.locator(`form[data-autosave] [name=${name}]`);
const links = (page) => page.locator("#blocks > li:has(.blk--link)").evaluateAll((els) => els.map((e) => e.dataset.name));
const order = (page) => page.locator("#blocks > [data-block]").evaluateAll((els) => els.map((e) => e.dataset.name));
const saved = (page, words) => page.waitForFunction((w) => document.getElementById("save-state").innerText.includes(w), words);

// ask tells the worker something, and hears what waits.
const ask = (page, message) =>
  page.evaluate(async (m) => {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((done) => (port1.onmessage = (e) => done(e.data)));
    (await navigator.serviceWorker.getRegistration("/app/")).active.postMessage(m, [port2]);
    return answer;
  }, message);
const settled = (page, count, what = "waiting") => poll(async () => (await ask(page, "state"))[what].length === count, `${count} ${what}`);

async function poll(ok, what, within = 15000) {
  for (const end = Date.now() + within; Date.now() < end; await new Promise((r) => setTimeout(r, 100))) if (await ok()) return;
  throw new Error(`waited in vain: ${what}`);
}

// controlled opens the window under the worker, with everything that it keeps for later.
async function controlled(world, page) {
  await page.goto(`${world.app}/app/today`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await page.goto(`${world.app}/app/window`);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  const n = await page.locator("#blocks > [data-block]").count();
  await poll(() => page.evaluate(async (n) => {
    const name = (await caches.keys()).find((k) => k.startsWith("frag-"));
    return Boolean(name) && (await (await caches.open(name)).keys()).length > n;
  }, n), "the forms are kept");
}

const openBlock = async (page, name) => {
  await page.locator(`[data-name="${name}"] .blk__go`).click();
  await field(page).waitFor();
  await page.waitForFunction(() => !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")); // its form listens from then on
};

// write changes a title, and waits until the phone has it.
async function write(page, text) {
  await field(page).fill(text);
  await poll(async () => (await ask(page, "state")).waiting.some((o) => new URLSearchParams(o.body).get("title") === text), `"${text}" waits`);
}

// edited is two edits of one link, one of the next, which moves up, and a new block, without a connection.
async function edited(world, v, mark) {
  const { page, context } = v;
  const was = await order(page);
  const [one, two] = await links(page);
  const at = was.indexOf(one);
  assert(was[at + 1] === two, `no two links beside each other: ${was}`);
  await context.setOffline(true);
  await openBlock(page, one);
  await write(page, `${mark} one`);
  await write(page, `${mark} two`);
  await saved(page, "On this phone, 1 waiting");
  await openBlock(page, two);
  await write(page, `${mark} three`);
  await page.locator("#dock-up").click();
  await saved(page, "On this phone, 3 waiting");
  await page.locator("#dock-done").click();
  await page.locator("#dock-add").click();
  await page.locator("#add-link").click();
  await page.getByText("Added when you are back online").waitFor();
  await saved(page, "On this phone, 4 waiting");
  const now = await order(page);
  assert(now[at] === two && now[at + 1] === one && now.length === was.length + 1, `the phone shows ${now}`);
  return { was, at };
}

// arrived is what another device sees of edited.
async function arrived(world, who, mark, { was, at }) {
  const other = await open();
  await signIn(world, other.page, who);
  await other.page.goto(`${world.app}/app/window`);
  const now = await order(other.page);
  assert(now[at].includes(`${mark} three`) && now[at + 1].includes(`${mark} two`), `there is ${now}`);
  assert(now.length === was.length + 1, `${now.length} blocks, not ${was.length + 1}`);
  return other;
}

// twice sends everything that waited once more, and sees that nothing changes.
async function twice(other, ops) {
  const look = async () => {
    await other.page.goto(other.page.url());
    return other.page.locator("#blocks").innerText();
  };
  const before = await look();
  for (const op of ops) {
    const status = await other.page.evaluate(async (o) => (await fetch(o.path, { method: o.method, headers: o.headers, body: o.body })).status, op);
    assert([200, 204].includes(status), `${op.method} ${op.path} sent again: ${status}`);
  }
  assert((await look()) === before, "what arrived twice has changed something twice");
}

async function undo(other, { was }) {
  const { page } = other;
  await page.locator("#blocks > li:last-child .blk__go").click();
  await page.locator("#dock-remove").click();
  await page.waitForFunction((n) => document.querySelectorAll("#blocks > [data-block]").length === n, was.length);
}

async function waited(world, v, who, mark) {
  const { page, context, faults } = v;
  await signIn(world, page, who);
  await controlled(world, page);
  const was = await edited(world, v, mark);
  await page.evaluate(() => scrollTo(0, 0));
  await inspect(v, `offline ${mark}`);
  const { waiting } = await ask(page, "state");
  assert(waiting.length === 4, `${waiting.length} wait: ${waiting.map((o) => o.path)}`);
  await context.setOffline(false);
  await settled(page, 0);
  await page.waitForFunction((m) => document.getElementById("blocks").innerText.includes(`${m} three`) && !document.querySelector(".blk--promised"), mark);
  const other = await arrived(world, who, mark, was);
  await twice(other, waiting);
  await undo(other, was);
  await other.close();
  await v.close();
  return [...faults, ...other.faults];
}

// waits is a phone without a connection, with one edit of the first link.
async function waits(world, who, text) {
  const v = await open({ expect: cut });
  await signIn(world, v.page, who);
  await controlled(world, v.page);
  await v.context.setOffline(true);
  await openBlock(v.page, (await links(v.page))[0]);
  await write(v.page, text);
  return v;
}

async function fillIn(page, who) {
  await page.getByLabel("E-mail").fill(who);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

// entries are all rows of the outbox, whoever wrote them.
const entries = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        const q = indexedDB.open("vitrine", 1);
        q.onupgradeneeded = () => q.transaction.abort();
        q.onerror = () => done([]);
        q.onsuccess = () => {
          const all = q.result.transaction("outbox").objectStore("outbox").getAll();
          all.onsuccess = () => (q.result.close(), done(all.result));
        };
      }),
  );

// found fails when somebody's words are stored here, but for so many entries that wait for them.
async function found(page, words, { but = 0 } = {}) {
  const stored = await page.evaluate(async () => {
    const out = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    for (const name of await caches.keys()) {
      const c = await caches.open(name);
      for (const r of await c.keys()) out.push(`${name} ${r.url} ${await (await c.match(r)).text()}`);
    }
    return out;
  });
  const rows = await entries(page);
  assert(rows.length === but, `${rows.length} entries wait, not ${but}`);
  for (const s of stored) for (const w of words) assert(!s.includes(w), `"${w}" is stored in ${s.slice(0, 120)}`);
}

export const journeys = {
  "three thousand lives of a phone: no edit is lost, none takes effect twice": async () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const wrong = await play(seed * 7919, seed % 2 === 0);
      assert(wrong.length === 0, `life ${seed}: ${wrong}`);
    }
  },
  "edits without a connection arrive once and in order, in the background": async (world) => {
    await seed(world);
    return waited(world, await install({ expect: cut }), "noor@vitrine.example", "Background");
  },
  "the same where nothing is sent in the background": async (world) => {
    await seed(world);
    const v = await open({ expect: cut });
    await v.context.addInitScript(() => delete ServiceWorkerRegistration.prototype.sync);
    return waited(world, v, "noor@vitrine.example", "Foreground");
  },
  "a session that ends while an edit waits": async (world) => {
    await seed(world);
    const v = await waits(world, "malik@vitrine.example", "After the session");
    const { page, context } = v;
    await context.clearCookies();
    await context.setOffline(false);
    await page.getByText("1 edit waits on this phone.").waitFor();
    await inspect(v, "offline-sign-in");
    await page.locator("#waits-sign-in").click();
    await page.waitForURL(/\/login\?next=/);
    await settled(page, 0); // nothing is anybody's
    assert((await entries(page)).length === 1, "what waited is gone");
    await fillIn(page, "malik@vitrine.example");
    await page.waitForURL(/app\/window/);
    await page.locator('[data-name="After the session"]').waitFor();
    await settled(page, 0);
    await v.close();
    return v.faults;
  },
  "another person signs in: nothing is sent as theirs, nothing is seen": async (world) => {
    await seed(world);
    const v = await waits(world, "malik@vitrine.example", "A secret of Malik");
    const { page, context } = v;
    await context.clearCookies();
    await context.setOffline(false);
    await signIn(world, page, "ilse@vitrine.example");
    await controlled(world, page);
    const mine = await ask(page, "drain");
    assert(mine.waiting.length === 0 && mine.stuck.length === 0, "she is shown what he wrote");
    await found(page, ["Low Tide", "Malik", "malik@", "A secret"], { but: 1 });
    assert(!(await page.locator("#blocks").innerText()).includes("A secret"), "it was sent as hers");
    await context.clearCookies();
    await signIn(world, page, "malik@vitrine.example");
    await page.goto(`${world.app}/app/window`);
    await page.locator('[data-name="A secret of Malik"]').waitFor();
    await settled(page, 0);
    await v.close();
    return v.faults;
  },
  "another device was quicker: both texts are shown, and signing out asks": async (world) => {
    await seed(world);
    const who = "malik@vitrine.example";
    const v = await waits(world, who, "Mine, from the train");
    const { page, context } = v;
    const other = await open();
    await signIn(world, other.page, who);
    const theirs = async (text) => {
      await other.page.goto(`${world.app}/app/window`);
      await openBlock(other.page, (await links(other.page))[0]);
      const done = other.page.waitForResponse((r) => r.request().method() === "PATCH" && r.ok());
      await field(other.page).fill(text);
      await done;
    };
    await theirs("Theirs, from the desk");
    await context.setOffline(false);
    await settled(page, 1, "stuck");
    await page.locator("#needs-you").getByText("1 edit needs you").waitFor();
    assert((await page.locator("#needs-you").innerText()).includes("Mine, from the train"), "the strip does not say what");
    await inspect(v, "offline-needs-you");

    await page.goto(`${world.app}/app/you`);
    await page.locator("#needs-you").getByText("1 edit needs you").waitFor();
    await page.locator("#sign-out").click();
    await page.getByRole("heading", { name: "1 edit was not sent" }).waitFor();
    await inspect(v, "offline-leaving");
    await page.locator("#leaving-send").click();
    await page.getByText("They could not be sent").waitFor();
    await page.locator("#leaving-stay").click();

    await page.goto(`${world.app}/app/window`);
    await page.getByRole("button", { name: "Look at both" }).click();
    const clash = page.locator(".clash");
    await clash.waitFor();
    const both = await clash.innerText();
    assert(both.includes("Theirs, from the desk") && both.includes("Mine, from the train"), `the choice says ${both}`);
    await inspect(v, "offline-both");
    await page.getByRole("button", { name: "Keep mine" }).click();
    await settled(page, 0, "stuck");
    await page.locator("#needs-you").waitFor({ state: "hidden" });
    await other.page.goto(`${world.app}/app/window`);
    assert((await links(other.page))[0] === "Mine, from the train", `kept: ${await links(other.page)}`);

    await context.setOffline(true);
    await write(page, "Lost on purpose");
    await theirs("Theirs again");
    await context.setOffline(false);
    await settled(page, 1, "stuck");
    await page.goto(`${world.app}/logout`);
    await page.locator("#logout").click();
    await page.locator("#leaving-lose").click();
    await page.waitForURL(/login/);
    await found(page, ["Lost on purpose", "Malik"]);
    await theirs("Listen to the radio show");
    await v.close();
    await other.close();
    return [...v.faults, ...other.faults];
  },
  "one browses everything and signs out; the next finds nothing of it, with or without an answer": async (world) => {
    await seed(world);
    const v = await open({ expect: [...cut, /ERR_CONNECTION_REFUSED|status of 50\d/] });
    const { page } = v;
    const secrets = ["Noor Adeyemi", "noor@vitrine.example", "Forty glazes", "kiln"];
    await signIn(world, page);
    await controlled(world, page);
    const kept = ["/app/today", "/app/orders", "/app/products"];
    const live = ["/app/payouts", "/app/settings/security", "/app/you", "/app/window/publish"];
    for (const p of [...kept, ...live]) await page.goto(world.app + p);
    await world.without(async () => {
      for (const p of kept) {
        await page.goto(world.app + p);
        await page.getByText(/As of \d\d:\d\d/).waitFor();
        await inspect(v, `offline ${p}`);
      }
      for (const p of live) {
        await page.goto(world.app + p);
        await page.getByRole("heading", { name: "No connection" }).waitFor();
      }
      await page.goto(`${world.app}/app/window`);
      await page.locator("#publish-count .needs").waitFor();
      await page.locator("#publish-count").press("Enter");
      await page.locator(".toast").getByText("Needs a connection").waitFor();
      await inspect(v, "offline-window");
    });
    await page.goto(`${world.app}/app/you`);
    await page.locator("#sign-out").click();
    await page.waitForURL(/login/);
    await found(page, secrets);
    await world.without(async () => {
      await page.goBack().catch(() => {});
      await page.waitForTimeout(1000); // a page that were shown again would be by now
      assert(!(await page.locator("body").innerText()).includes("Noor"), "Back shows her page");
    });
    await page.goto(`${world.app}/login`);
    await fillIn(page, "ilse@vitrine.example");
    await page.waitForURL(/app\/today/);
    await controlled(world, page);
    await found(page, secrets);
    await world.without(async () => {
      for (const p of [...kept, ...live]) {
        await page.goto(world.app + p);
        const text = await page.content();
        assert(!secrets.some((s) => text.includes(s)), `${p} shows her page to Ilse`);
      }
    });
    await v.close();
    return v.faults;
  },
};
