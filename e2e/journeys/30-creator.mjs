// What creators do: see a sale arrive, sign in by Google, come back after the session ended, go offline.
import { assert, inspect, open, small, wide } from "../lib/browser.mjs";
import { payByCard, seed, signIn, toPayment } from "../lib/demo.mjs";

export const journeys = {
  "a sale shows up on Today by itself": async (world) => {
    await seed(world);
    const creator = await open();
    await signIn(world, creator.page);
    await creator.page.waitForFunction(() => document.querySelector("[data-live]").dataset.liveState === "open");
    const before = await creator.page.locator("#today-orders").innerText();
    const buyer = await open();
    await toPayment(world, buyer.page, "live@mail.example");
    await payByCard(buyer.page, "4242424242424242");
    await buyer.page.waitForURL(/\/o\//, { timeout: 20000 });
    await creator.page.waitForFunction((b) => document.getElementById("today-orders").textContent !== b, before, { timeout: 4000 });
    await creator.page.getByText("live@mail.example").first().waitFor();
    await inspect(creator, "today");
    // out of sight the stream closes; in sight again it catches up
    const hide = (hidden) =>
      creator.page.evaluate((h) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => h });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    assert((await creator.page.evaluate(() => document.querySelector("[data-live]").dataset.liveState)) === "closed", "the stream stays open in the dark");
    await hide(false);
    await creator.page.waitForFunction(() => document.querySelector("[data-live]").dataset.liveState === "open");
    await creator.close();
    await buyer.close();
    return [...creator.faults, ...buyer.faults];
  },
  "signing in by Google: new, and cancelled": async (world) => {
    const v = await open();
    const { page } = v;
    await page.goto(`${world.app}/login`);
    await page.locator("#google").click();
    await page.waitForURL(/google\/authorize/);
    await page.getByText(/cancel/i).first().click();
    await page.waitForURL(new RegExp(`^${world.app}`));
    await page.getByRole("alert").waitFor();
    await inspect(v, "google-cancelled");
    await page.locator("#google").click();
    await page.waitForURL(/google\/authorize/);
    await page.locator("main a, main button").first().click();
    await page.waitForURL(/\/start/);
    await inspect(v, "start");
    await v.close();
    return v.faults;
  },
  "an ended session loses nothing that was typed": async (world) => {
    await seed(world);
    const v = await open();
    const { page } = v;
    await signIn(world, page, "ilse@vitrine.example");
    await page.goto(`${world.app}/app/settings/profile`);
    await page.getByLabel("Your name").fill("Ilse of the Letters");
    await v.context.clearCookies();
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/login/);
    await page.getByLabel("E-mail").fill("ilse@vitrine.example");
    await page.getByLabel("Password", { exact: true }).fill("a lit window at night");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/resume/);
    await inspect(v, "resume");
    assert((await page.locator("main").innerText()).includes("Ilse of the Letters"), "what was typed is gone");
    await page.getByRole("button", { name: "Save it now" }).click();
    await page.waitForURL(/settings\/profile/);
    assert((await page.getByLabel("Your name").inputValue()) === "Ilse of the Letters", "not saved");
    await v.close();
    return v.faults;
  },
  "installed: offline has a page, and signing out leaves nothing private": async (world) => {
    await seed(world);
    const v = await open({ expect: [/ERR_INTERNET_DISCONNECTED|Failed to fetch|net::/] });
    const { page, context } = v;
    await signIn(world, page);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) await new Promise((r) => navigator.serviceWorker.addEventListener("controllerchange", r, { once: true }));
    });
    await page.goto(`${world.app}/app/orders`);
    await context.setOffline(true);
    await page.goto(`${world.app}/app/today`).catch(() => {});
    await page.getByRole("heading", { name: "No connection" }).waitFor();
    await context.setOffline(false);
    await page.goto(`${world.app}/app/you`);
    await page.locator("#sign-out").click();
    await page.waitForURL(/login/);
    const kept = await page.evaluate(async () => {
      const found = [];
      for (const k of await caches.keys()) for (const r of await (await caches.open(k)).keys()) {
        const text = await (await (await caches.open(k)).match(r)).text();
        if (text.includes("noor@vitrine.example") || text.includes("Noor Adeyemi")) found.push(r.url);
      }
      return found;
    });
    assert(kept.length === 0, `kept after signing out: ${kept}`);
    await page.goBack().catch(() => {});
    await page.waitForURL(/login/);
    await v.close();
    return v.faults;
  },
  "a block is moved by keys alone": async (world) => {
    await seed(world);
    const v = await open({ viewport: wide });
    const { page } = v;
    await signIn(world, page, "malik@vitrine.example");
    await page.goto(`${world.app}/app/window`);
    const order = () => page.locator("[data-block]").evaluateAll((els) => els.map((e) => e.dataset.name));
    const was = await order();
    await page.locator(".blk__go").nth(1).focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    const [answer] = await Promise.all([page.waitForResponse((r) => r.url().endsWith("/app/window/move")), page.keyboard.press("Enter")]);
    assert(answer.ok(), `moving answered ${answer.status()}`);
    await page.reload();
    const now = await order();
    assert(now[1] === was[2] && now[2] === was[1], `${was} became ${now}`);
    await page.locator(".blk__go").nth(1).focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    assert((await order()).join() === now.join(), "Escape does not put it back");
    await v.close();
    return v.faults;
  },
  "every page, light and dark, small and wide": async (world) => {
    await seed(world);
    const faults = [];
    for (const [viewport, dark] of [[small, false], [small, true], [wide, false]]) {
      const v = await open({ viewport, dark });
      await signIn(world, v.page);
      for (const p of ["/", "/app/today", "/app/orders", "/app/window", "/app/window/add", "/app/window/theme", "/app/window/publish", "/app/products", "/app/products/new", "/app/you", "/app/messages",
        "/app/settings/shop", "/app/settings/profile", "/app/settings/security", "/logout", "/my", "/no-such-page", "/app/offline"]) {
        await v.page.goto(world.app + p);
        await inspect(v, `all ${viewport.width}${dark ? " dark" : ""} ${p}`);
      }
      for (const p of ["/@noor", "/@lowtide", "/@ilse", "/@noor/p/kiln-log", "/@noor/contact", "/@nobody-here"]) {
        await v.page.goto(world.shop + p);
        await inspect(v, `all ${viewport.width}${dark ? " dark" : ""} ${p}`);
      }
      faults.push(...v.faults.filter((f) => !/status of 404/.test(f)));
      await v.close();
    }
    return faults;
  },
};
