// Dressing a shop: choices tried on at once, CSS of one's own with its faults by line, and styles that mean harm.
import { createServer } from "node:http";
import { assert, inspect, open, phone, wide } from "../lib/browser.mjs";
import { seed, signIn } from "../lib/demo.mjs";
import { covering, telling } from "../lib/hostile.mjs";

const room = (world) => `${world.app}/app/window/theme`;

// A shop of the demo world that no other journey needs.
async function studio(world, options = {}) {
  await seed(world, "ravi");
  const v = await open(options);
  await signIn(world, v.page, "ravi@vitrine.example");
  return v;
}

// wear keeps what is allowed of a stylesheet in the draft, and gives the draft's page as visitors would get it.
async function wear(world, v, css) {
  const r = await v.page.request.post(`${room(world)}/css`, { form: { css, only: "good" }, headers: { Origin: world.app }, maxRedirects: 0 });
  assert(r.status() === 303, `${r.status()} for ${css}`);
  const to = await v.page.request.get(`${world.app}/app/window/preview`, { maxRedirects: 0 });
  assert(to.status() === 303, `no preview: ${to.status()}`);
  return to.headers().location;
}

const undress = (world, v) => v.page.request.post(`${room(world)}/css`, { form: { css: "" }, headers: { Origin: world.app } });
const styleOf = (html) => html.match(/<style>([\s\S]*?)<\/style>/)[1];

// covered says which of the elements cannot be seen or tapped: by a hit test at five points of each.
async function covered(page, targets) {
  const out = [];
  for (const t of targets) {
    const why = await page.evaluate((t) => {
      const el = document.querySelector(t);
      if (!el) return "is not there";
      el.scrollIntoView({ block: "center", behavior: "instant" });
      const r = el.getBoundingClientRect();
      if (r.width < 24 || r.height < 24) return `is ${Math.round(r.width)}×${Math.round(r.height)}`;
      if (!el.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return "cannot be seen";
      const right = Math.min(r.right, innerWidth), left = Math.max(r.left, 0);
      for (const [x, y] of [[0.5, 0.5], [0.1, 0.3], [0.9, 0.3], [0.1, 0.7], [0.9, 0.7]]) {
        const top = document.elementFromPoint(left + (right - left) * x, r.top + r.height * y);
        if (!top || !(el === top || el.contains(top) || (el.closest("label, .f, li, p") ?? el).contains(top))) return `lies under ${top?.tagName}.${top?.className} at ${x},${y}`;
      }
      return "";
    }, t);
    if (why) out.push(`${t} ${why}`);
  }
  return out;
}

// paint is what stands at the inner left edge of a filled button: something drawn over it changes it.
async function paint(page, target) {
  const b = await page.locator(target).evaluate((el) => {
    el.scrollIntoView({ block: "center", behavior: "instant" });
    const { x, y, width, height } = el.getBoundingClientRect();
    return { x, y, width, height };
  });
  if (b.width < 24 || b.x < 0 || b.y < 0) return `out of sight at ${Math.round(b.x)},${Math.round(b.y)}`;
  return (await page.screenshot({ clip: { x: b.x + 5, y: b.y + b.height / 2 - 3, width: 5, height: 6 } })).toString("base64");
}

// same waits for it to be as it was: a picture or a font that comes late may move it once.
async function same(page, target, was) {
  for (const until = Date.now() + 3000; ; ) {
    if ((await paint(page, target)) === was) return true;
    if (Date.now() > until) return false;
  }
}

// thief counts who calls.
async function thief() {
  const calls = [];
  const server = createServer((req, res) => {
    calls.push(req.url);
    res.writeHead(200, { "Content-Type": "text/css", "Access-Control-Allow-Origin": "*" }).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { calls, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }) };
}

const homeTargets = [".contact form .btn", ".contact form input[type=email]", "#foot-my", "#foot-made"];
const productPath = "/@ravi/p/three-books-in-a-weekend";

export const journeys = {
  "every choice is tried on at once, with and without script": async (world) => {
    const v = await studio(world);
    const { page } = v;
    await page.goto(room(world));
    await inspect(v, "theme");
    const dressed = async (page) => {
      await page.goto(`${world.app}/app/window/publish`);
      return (await page.locator("main").innerText()).split("\n").filter((l) => /Lettering|Header as|Spacing|Background/.test(l)).join();
    };
    const was = await dressed(page);
    await page.goto(room(world));
    const chosen = () => page.locator(".choices :checked").evaluateAll((els) => els.map((e) => e.id));
    const before = await chosen();
    for (const [field, value, classes] of [["lettering", "serif", "l-serif"], ["header", "board", "h-board"], ["spacing", "airy", "s-airy"], ["background", "stripes", "b-stripes"]]) {
      const [r] = await Promise.all([page.waitForResponse((r) => r.request().method() === "POST" && r.url() === room(world)), page.locator(`#${field}-${value}`).check()]);
      assert(r.status() === 200, `${field}: ${r.status()}`);
      await page.locator(`.fitting.${classes}`).waitFor();
      assert(await page.locator(`#${field}-${value}`).evaluate((el) => el === document.activeElement && el.checked), `${value} has lost the focus or the choice`);
    }
    await inspect(v, "theme-chosen");
    await page.goto(`${world.app}/app/window/publish`);
    const words = await page.locator("main").innerText();
    for (const w of ["Lettering: Book", "Header as a painted board", "Spacing: Airy", "Background: Stripes"]) assert(words.includes(w), `the review does not say ${w}`);
    await page.goto(`${world.app}/app/window/preview`);
    const body = await page.locator("body").getAttribute("class");
    assert(["l-serif", "h-board", "s-airy", "b-stripes"].every((c) => body.includes(c)), `the preview wears ${body}`);
    await inspect(v, "look-preview");
    await v.close();

    const plain = await studio(world, { javaScript: false, viewport: wide });
    await plain.page.goto(room(world));
    for (const id of before) await plain.page.locator(`#${id}`).check();
    await plain.page.locator("#save-theme").click();
    assert((await dressed(plain.page)) === was, "the look is not what it was");
    await plain.close();
    return [...v.faults, ...plain.faults];
  },

  "CSS is told of line by line, seen in the window, published and removed, without script": async (world) => {
    const v = await studio(world, { javaScript: false });
    const { page } = v;
    await page.goto(`${room(world)}/css`);
    const typed = "h2 {\n  color: rgb(190 20 60);\n  position: fixed;\n}\n@import url(http://thief.example);\n/* kept */";
    await page.locator("#css").fill(typed);
    await page.locator("#save-css").click();
    const said = await page.locator("#css-faults").innerText();
    assert(said.includes("Line 3:") && said.includes("Line 5:") && said.includes("leave their place"), `told: ${said}`);
    assert((await page.locator("#css").inputValue()) === typed, "what was typed is lost");
    await page.locator("#css").fill(typed.replace("  position: fixed;\n", "").replace(/@import.*\n/, ""));
    await page.locator("#save-css").click();
    assert((await page.locator("#css").inputValue()).includes("/* kept */"), "the comment is lost");
    await page.locator("#try-css").click();
    const color = (p) => p.locator(".contact h2").evaluate((el) => getComputedStyle(el).color);
    await page.locator(".contact h2").waitFor();
    assert((await color(page)) === "rgb(190, 20, 60)", `the preview shows ${await color(page)}`);
    const visitor = await open();
    await visitor.page.goto(`${world.shop}/@ravi`);
    assert((await color(visitor.page)) !== "rgb(190, 20, 60)", "a draft is public");
    await page.goto(`${world.app}/app/window/publish`);
    assert((await page.locator("main").innerText()).includes("Your own CSS added"), "the review does not say it");
    await page.locator("#publish-now").click();
    await visitor.page.reload();
    assert((await color(visitor.page)) === "rgb(190, 20, 60)", "it is not public");
    await inspect(visitor, "styled");

    // A long one is a file of its own, and the page stays small.
    const hex = (n) => ((Math.imul(n, 2654435761) >>> 8) & 0xffffff).toString(16).padStart(6, "0");
    const long = Array.from({ length: 260 }, (_, i) => `.a${i}{border-color:#${hex(i * 4)} #${hex(i * 4 + 1)} #${hex(i * 4 + 2)} #${hex(i * 4 + 3)}}`).join("\n");
    await page.goto(`${room(world)}/css`);
    await page.locator("#css").fill(`${long}\nh2 { color: rgb(1 2 200) }`);
    await page.locator("#save-css").click();
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#publish-now").click();
    const asked = [];
    visitor.page.on("response", (r) => asked.push([r.url(), r.status()]));
    await visitor.page.reload();
    assert((await color(visitor.page)) === "rgb(1, 2, 200)", "the long one does not reach the page");
    const file = asked.find(([u]) => u.includes("/@ravi/style/"));
    assert(file?.[1] === 200, `no file of its own: ${asked.map(String).join(" ")}`);
    const fresh = await open();
    const sizes = await (await fresh.page.goto(`${world.shop}/@ravi`)).request().sizes();
    assert(sizes.responseBodySize > 1000 && sizes.responseBodySize + sizes.responseHeadersSize < 14_000, `the page has ${sizes.responseBodySize} bytes`);
    // Browsers hold app and shops for two sites, also on this machine: else there would be no CSS of one's own.
    const [out] = await Promise.all([fresh.page.waitForRequest((r) => r.isNavigationRequest() && r.url().startsWith(world.app)), fresh.page.locator("#foot-made").click()]);
    assert((await out.allHeaders())["sec-fetch-site"] === "cross-site", `the shop is ${(await out.allHeaders())["sec-fetch-site"]} to the app`);
    await fresh.close();

    await page.goto(`${room(world)}/css`);
    await page.locator("#reset-ask").click();
    await page.locator("#reset-css").click();
    assert((await page.locator("#css").inputValue()) === "", "not removed");
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#publish-now").click();
    await visitor.page.reload();
    assert((await color(visitor.page)) !== "rgb(1, 2, 200)", "still public");
    await visitor.close();
    await v.close();
    return [...v.faults, ...visitor.faults];
  },

  "fifty styles that cover cover neither buttons nor the footer": async (world) => {
    assert(covering.length >= 50, `only ${covering.length} styles`);
    const v = await studio(world);
    const faults = [];
    for (const [name, viewport] of [["phone", phone], ["wide", wide]]) {
      const product = [name === "phone" ? "#buy-bar" : "#buy", "#foot-my", "#foot-made"];
      const eye = await open({ viewport, expect: [/./] });
      await eye.page.goto(`${world.shop}/@ravi`);
      await eye.page.waitForLoadState("networkidle");
      const home = await paint(eye.page, ".contact form .btn");
      assert(!(await covered(eye.page, homeTargets)).length, `bare, ${await covered(eye.page, homeTargets)}`);
      await eye.page.goto(world.shop + productPath);
      const html = await eye.page.content();
      const buy = await paint(eye.page, product[0]);

      // The test can fail: as it was written, nearly each of these does harm on one of the two pages.
      let harmful = 0;
      let style = "";
      await eye.page.route(world.shop + productPath, (r) => r.fulfill({ contentType: "text/html", body: html.replace(/<style>[\s\S]*?<\/style>/, () => `<style>${style}</style>`) }));
      const bare = styleOf(html);
      for (const css of covering) {
        const to = await wear(world, v, css);
        await eye.page.goto(to);
        const wrong = await covered(eye.page, homeTargets);
        if (!wrong.length && !(await same(eye.page, ".contact form .btn", home))) wrong.push("something is painted over the form's button");
        style = styleOf(await eye.page.content());
        await eye.page.goto(world.shop + productPath);
        wrong.push(...(await covered(eye.page, product)));
        if (!wrong.length && !(await same(eye.page, product[0], buy))) wrong.push("something is painted over the buy button");
        faults.push(...wrong.map((w) => `${name}: with ${css}: ${w}`));
        if (name === "phone") {
          style = bare + css;
          await eye.page.goto(world.shop + productPath);
          const raw = await covered(eye.page, product);
          if (raw.length || (await paint(eye.page, product[0]).catch(() => "")) !== buy) harmful++;
        }
      }
      if (name === "phone") assert(harmful >= 12, `only ${harmful} of ${covering.length} do harm as they were written`);
      await eye.close();
    }
    await undress(world, v);
    await v.close();
    return faults;
  },

  "a style tells nobody anything": async (world) => {
    const v = await studio(world);
    const t = await thief();
    const faults = [];
    try {
      const styles = telling(t.url, world.app);
      const eye = await open({ expect: [/./] });
      const asked = [];
      eye.page.on("request", (r) => asked.push(r.url()));
      const seen = await eye.page.goto(`${world.shop}/@ravi`);
      const page = await seen.text();

      // Printed by us, in a page of ours.
      for (const css of [...styles, styles.join("\n")]) {
        const to = await wear(world, v, css);
        asked.length = 0;
        await eye.page.goto(to, { waitUntil: "networkidle" });
        await eye.page.locator(".contact input[type=email]").fill("secret@example.com");
        await eye.page.mouse.move(100, 200);
        const foreign = asked.filter((u) => !u.startsWith(world.shop + "/preview/") && !u.startsWith(world.shop + "/assets/") && !u.startsWith(world.shop + "/m/") && !u.startsWith(world.media + "/"));
        if (t.calls.length || foreign.length) faults.push(`${css.slice(0, 80)}: ${t.calls} ${foreign}`);
        t.calls.length = 0;
      }

      // As it was written, under our policy: even what slipped through would reach nobody.
      const policy = seen.headers()["content-security-policy"].replace(/style-src [^;]+/, "style-src 'unsafe-inline'");
      const raw = styles.filter((s) => !s.startsWith("@import")).join("\n");
      let headers = { "Content-Security-Policy": policy };
      await eye.page.route(`${world.shop}/@ravi`, (r) => r.fulfill({ contentType: "text/html", headers, body: page.replace("</style>", () => `${raw}</style>`) }));
      await eye.page.goto(`${world.shop}/@ravi`, { waitUntil: "networkidle" });
      if (t.calls.length) faults.push(`the policy lets ${t.calls} through`);
      t.calls.length = 0;

      // As it was written, without a policy: the thief hears of it, so this test can fail.
      headers = {};
      await eye.page.goto(`${world.shop}/@ravi`, { waitUntil: "networkidle" });
      const heard = new Set(t.calls).size;
      assert(heard >= 12, `without reader and policy the thief hears only ${heard}: ${t.calls}`);
      await eye.close();
    } finally {
      await t.stop();
    }
    await undress(world, v);
    await v.close();
    return faults;
  },
};
