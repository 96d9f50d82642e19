// Every kind of block: added by keys, by touch and without script, filled in, published, and looked at as a visitor;
// pictures, and frames of other hosts that ask for nothing until they are opened.
import { HtmlValidate } from "html-validate";
import { assert, inspect, open, phone, small, wide } from "../lib/browser.mjs";
import { seed, signIn } from "../lib/demo.mjs";

const html = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:document"],
  rules: { "no-trailing-whitespace": "off", "void-style": "off", "attribute-boolean-style": "off", "attribute-empty-style": "off", "doctype-style": "off", "no-inline-style": "off", "long-title": "off", "require-sri": "off", "tel-non-breaking": "off", "no-raw-characters": "off", "unique-landmark": "off", "prefer-native-element": "off", "no-implicit-button-type": "off", "no-redundant-role": "off" },
});

// valid is what is wrong with the HTML of an address.
async function valid(page, url) {
  const r = await page.goto(url);
  const report = await html.validateString(await r.text());
  return report.results.flatMap((x) => x.messages.map((m) => `html of ${url}: ${m.ruleId}: ${m.message} (line ${m.line}, column ${m.column})`));
}

async function window_(world, who, options = {}) {
  await seed(world, { kofi: "secondcrack", lena: "green" }[who] ?? who);
  const v = await open(options);
  await signIn(world, v.page, `${who}@vitrine.example`);
  await v.page.goto(`${world.app}/app/window`);
  return v;
}

const settled = (page) => page.waitForFunction(() => !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"));

// answered does something and waits for the answer and for what htmx makes of it.
async function answered(page, act, match) {
  const [r] = await Promise.all([page.waitForResponse(match), act()]);
  await r.finished();
  await settled(page);
  return r;
}
const to = (path, method = "POST") => (r) => r.request().method() === method && new URL(r.url()).pathname.endsWith(path);
const saved = (r) => r.request().method() === "PATCH" && r.status() === 200;

// picture is a JPEG of a page.
async function picture(world, options = {}) {
  const v = await open(options);
  await v.page.goto(`${world.shop}/@noor`);
  const buffer = await v.page.screenshot({ type: "jpeg", quality: 80 });
  await v.close();
  return buffer;
}
const file = (buffer, name) => ({ name, mimeType: "image/jpeg", buffer });

// opened waits for a new block, whose first field takes the focus.
const opened = (page, kind) =>
  page.waitForFunction((k) => document.activeElement?.closest(`.blk--${k}.blk--on`) || (document.querySelector(`.blk--${k}.blk--on`) && ["divider", "grid"].includes(k)), kind).catch(async () => {
    throw new Error(`adding ${kind} leaves the focus at ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120))}, and open is ${await page.locator(".blk--on").evaluateAll((els) => els.map((e) => e.className).join())}`);
  });

// fill types into an open block; what is saved is answered for.
async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`form[data-autosave] [name="${name}"]`).first();
    await field.focus();
    await answered(page, async () => {
      if (await field.evaluate((el) => el.tagName === "SELECT")) await field.selectOption(value);
      else {
        await page.keyboard.press("ControlOrMeta+a");
        await page.keyboard.insertText(value);
        await page.keyboard.press("Tab");
      }
    }, saved);
  }
}

// send chooses pictures and sends them with what they show.
async function send(page, buffers, act) {
  const form = page.locator("form[data-pictures]");
  await form.locator("[type=file]").setInputFiles(buffers.map((b, i) => file(b, `${i + 1}.jpg`)));
  await page.waitForFunction((n) => document.querySelectorAll("[data-picked] img:not([hidden])").length === n, buffers.length);
  for (let i = 0; i < buffers.length; i++) await form.locator("[name=alt]").nth(i).fill(`What picture ${i + 1} shows`);
  await answered(page, () => act(form.locator("button[type=submit]")), to("/pictures"));
  await page.waitForFunction((n) => document.querySelectorAll(".pics__see picture").length >= n, buffers.length, { timeout: 120000 });
}

const kinds = {
  text: { title: "How I bind", text: "One signature at a time.\n\nThen the cover." },
  image: { title: "The press" },
  gallery: { title: "Last month's books" },
  video: { url: "https://youtu.be/dQw4w9WgXcQ", title: "Sewing on tapes" },
  quote: { text: "The only notebook I have ever finished.", by: "Maren Oswald" },
  faq: { title: "Before you ask", q1: "Do you ship?", a1: "Everywhere the post goes." },
  social: { url1: "https://are.na/paloma", label1: "Are.na" },
  scheduler: { title: "Book an hour", url: "https://cal.com/paloma/hour" },
  embed: { url: "https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC", title: "What I sew to" },
  divider: { style: "scallop" },
  grid: { title: "Everything on sale" },
  link: { title: "The paper I use", url: "https://example.com/paper-i-use", icon: "book" },
  product: { product: { index: 1 }, note: "Sewn by hand" },
  contact: { title: "Write to Paloma" },
};
const seen = ["How I bind", "The press", "Last month's books", "Sewing on tapes", "ever finished", "Do you ship?", "Are.na", "Book an hour", "What I sew to", "Everything on sale", "The paper I use", "Sewn by hand", "Write to Paloma"];

export const journeys = {
  "every kind is added by keys, filled in, published and seen": async (world) => {
    const v = await window_(world, "paloma", { viewport: wide });
    const { page } = v;
    const shots = [await picture(world), await picture(world, { viewport: wide })];
    for (const [kind, fields] of Object.entries(kinds)) {
      await page.locator("#dock-add").focus();
      await answered(page, () => page.keyboard.press("Enter"), (r) => r.url().includes("/app/window/add"));
      await page.locator(`#add-${kind}`).focus();
      await answered(page, () => page.keyboard.press("Enter"), to("/app/window/blocks"));
      await opened(page, kind);
      await fill(page, fields);
      if (kind === "image") await send(page, shots.slice(0, 1), (b) => b.press("Enter"));
      if (kind === "gallery") await send(page, [...shots, ...shots], (b) => b.press("Enter"));
      assert((await page.locator("[id^=errs-] .e").count()) === 0, `${kind}: ${await page.locator("[id^=errs-]").innerText()}`);
      await page.goto(`${world.app}/app/window?b=${await page.locator("#open").inputValue()}`);
      assert(/Costs visitors \d+ k?B, \d/.test(await page.locator(".blk__cost").innerText()), `${kind} says nothing of its cost`);
      await page.locator("#dock-done").focus();
      await answered(page, () => page.keyboard.press("Enter"), to("/app/window/blocks", "GET"));
    }
    await inspect(v, "kinds-window", { except: ["target-size"] });
    const missing = await page.locator(".blk__missing").allInnerTexts();
    assert(missing.length === 0, `something is still missing: ${missing}`);
    for (const path of ["/app/window", "/app/window/add"]) v.faults.push(...(await valid(page, world.app + path)));
    await page.goto(`${world.app}/app/window/publish`);
    assert((await page.locator("main").innerText()).includes("before the window stands"), "nothing says what the page costs");
    await inspect(v, "kinds-review");
    await page.locator("#publish-now").focus();
    await page.keyboard.press("Enter");
    await page.getByText("Everyone sees it now.").waitFor();
    v.faults.push(...(await valid(page, `${world.shop}/@paloma`)));
    for (const theme of ["daylight", "afterhours", "house"]) {
      if (theme !== "daylight") {
        await page.goto(`${world.app}/app/window/theme`);
        await page.evaluate((t) => document.querySelector(`input[name=theme][value=${t}]`).click(), theme);
        await settled(page);
        await page.waitForFunction(() => !document.querySelector(".htmx-request"));
        await page.goto(`${world.app}/app/window/publish`);
        await page.locator("#publish-now").click();
        await page.getByText("Everyone sees it now.").waitFor();
      }
      for (const viewport of [small, phone, wide]) {
        const w = await open({ viewport, dark: theme === "afterhours" });
        await w.page.goto(`${world.shop}/@paloma`);
        assert((await w.page.locator("html").getAttribute("data-theme")) === theme, `the page wears ${await w.page.locator("html").getAttribute("data-theme")}, not ${theme}`);
        const body = await w.page.locator("main").innerText();
        for (const s of seen) assert(body.includes(s), `“${s}” is not on the page`);
        assert((await w.page.locator(".shot img[alt='What picture 1 shows'], .wall img").count()) === 5, "pictures are missing");
        await w.page.evaluate(() => document.querySelectorAll("img[loading=lazy]").forEach((i) => (i.loading = "eager")));
        await w.page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth));
        await inspect(w, `kinds-shop-${theme}-${viewport.width}`);
        // Questions open, and a gallery can be scrolled, by keys alone.
        await w.page.locator(".asks summary", { hasText: "Do you ship?" }).focus();
        await w.page.keyboard.press("Enter");
        await w.page.getByText("Everywhere the post goes.").waitFor({ state: "visible" });
        if (viewport.width < 700) {
          const strip = w.page.locator(".wall ul");
          await strip.focus();
          for (let i = 0; i < 5; i++) await w.page.keyboard.press("ArrowRight");
          await w.page.waitForFunction(() => document.querySelector(".wall ul").scrollLeft > 20);
        }
        v.faults.push(...w.faults);
        await w.close();
      }
    }
    await v.close();
    return v.faults;
  },

  "pictures by touch: several at once, in another order, one out": async (world) => {
    const v = await window_(world, "aiko");
    const { page } = v;
    const shots = [await picture(world), await picture(world, { viewport: wide }), await picture(world, { viewport: small })];
    await answered(page, () => page.locator("#dock-add").tap(), (r) => r.url().includes("/app/window/add"));
    await inspect(v, "kinds-sheet");
    await answered(page, () => page.locator("#add-gallery").tap(), to("/app/window/blocks"));
    await opened(page, "gallery");
    await fill(page, { title: "By the window" });
    await send(page, shots, (b) => b.tap());
    await page.locator(".pics").scrollIntoViewIfNeeded();
    await inspect(v, "kinds-pictures", { except: ["target-size"] });
    const alts = () => page.locator(".pics [name^=alt]").evaluateAll((els) => els.map((e) => e.value.replace(/\D/g, "")).join(""));
    assert((await alts()) === "123", `sent ${await alts()}`);
    await answered(page, () => page.locator("[id^=up-]").nth(2).tap(), (r) => r.request().method() === "POST" && r.url().includes("/pictures/"));
    assert((await alts()) === "132", `up: ${await alts()}`);
    assert(await page.evaluate(() => document.activeElement?.id.startsWith("up-")), "the button has lost the focus");
    await answered(page, () => page.locator("[id^=out-]").nth(0).tap(), (r) => r.request().method() === "POST" && r.url().includes("/pictures/"));
    assert((await alts()) === "32", `out: ${await alts()}`);
    await page.goto(`${world.app}/app/window?b=${await page.locator("#open").inputValue()}`);
    assert((await alts()) === "32" && (await page.locator("form[data-autosave] [name=title]").inputValue()) === "By the window", "not kept");
    // What is no picture is said, in words.
    await page.locator("form[data-pictures] [type=file]").setInputFiles({ name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("not a picture at all") });
    await answered(page, () => page.locator("form[data-pictures] button[type=submit]").tap(), to("/pictures"));
    await page.locator(".pics__see .e").waitFor({ timeout: 120000 });
    assert(/picture/.test(await page.locator(".pics__see .e").innerText()), "no reason is given");
    // A pasted address becomes what it leads to.
    await answered(page, () => page.locator("#dock-done").tap(), to("/app/window/blocks", "GET"));
    await answered(page, () => page.locator("#dock-add").tap(), (r) => r.url().includes("/app/window/add"));
    await page.locator("#paste").tap();
    assert(await page.locator("#pasted:focus:invalid").count(), "nothing was pasted, and nothing says so");
    await page.locator("#pasted").fill("https://vimeo.com/76979871");
    await answered(page, () => page.locator("#paste").tap(), to("/app/window/paste"));
    assert((await page.locator(".blk--on").getAttribute("class")).includes("blk--video"), "the address of a film became something else");
    await answered(page, () => page.locator("#undo").tap(), to("/undo"));
    assert((await page.locator(".blk--video").count()) === 0, "one undo does not take it away");
    await v.close();
    return v.faults;
  },

  "no other host is asked for anything before its frame is opened": async (world) => {
    const v = await window_(world, "lena");
    const { page } = v;
    for (const pasted of ["https://youtu.be/dQw4w9WgXcQ", "https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC"]) {
      await answered(page, () => page.locator("#dock-add").click(), (r) => r.url().includes("/app/window/add"));
      await page.locator("#pasted").fill(pasted);
      await answered(page, () => page.locator("#paste").click(), to("/app/window/paste"));
      await answered(page, () => page.locator("#dock-done").click(), to("/app/window/blocks", "GET"));
    }
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#publish-now").click();
    await page.getByText("Everyone sees it now.").waitFor();

    const w = await open({ viewport: phone });
    const foreign = [];
    await w.context.route(/.*/, (route) => {
      const u = new URL(route.request().url());
      if (u.hostname.endsWith("localhost")) return route.continue();
      foreign.push(u.origin);
      return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>player</title><p>It plays.</p>" });
    });
    const answer = await w.page.goto(`${world.shop}/@green`);
    const policy = answer.headers()["content-security-policy"];
    const frames = policy.split(";").map((d) => d.trim()).find((d) => d.startsWith("frame-src"));
    assert(frames === "frame-src https://open.spotify.com https://www.youtube-nocookie.com", `the policy says ${frames}`);
    assert(!/preconnect|dns-prefetch/.test(await answer.text()), "the page announces other hosts");
    for (let y = 0; y < 20; y++) {
      await w.page.mouse.wheel(0, 600);
      await w.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }
    await w.page.locator(".film summary").first().focus();
    await w.page.locator(".film summary").first().hover();
    await w.page.waitForLoadState("networkidle");
    assert(foreign.length === 0, `before a tap: ${foreign}`);
    assert((await w.page.locator("script:not([type='application/ld+json'])").count()) === 0, "there is script on the page");
    await w.page.locator(".film summary").first().tap();
    await w.page.frameLocator(".film iframe").first().getByText("It plays.").waitFor();
    assert(foreign.join() === "https://www.youtube-nocookie.com", `after one tap: ${foreign}`);
    await inspect(w, "kinds-film-open");
    await w.page.locator(".film summary").nth(1).press("Enter");
    await w.page.frameLocator(".film--card iframe").first().getByText("It plays.").waitFor();
    assert(foreign.join() === "https://www.youtube-nocookie.com,https://open.spotify.com", `after both: ${foreign}`);
    const others = (await w.page.goto(`${world.shop}/@noor`)).headers()["content-security-policy"];
    assert(!others.includes("frame-src"), "a page without frames allows some");
    await w.close();
    await v.close();
    return [...v.faults, ...w.faults];
  },

  "a text, a picture and a question without script": async (world) => {
    const v = await window_(world, "kofi", { javaScript: false, viewport: small });
    const { page } = v;
    const shot = await picture(world);
    for (const [kind, fields] of Object.entries({ text: { title: "From the roastery", text: "Twice a week." }, image: { title: "The drum" }, faq: { title: "Asked often", q1: "Ground or whole?", a1: "Whole." } })) {
      await page.locator("#dock-add").click();
      await page.locator(`#add-${kind}`).click();
      for (const [name, value] of Object.entries(fields)) await page.locator(`form[data-autosave] [name="${name}"]`).fill(value);
      await page.locator("form[data-autosave] [id^=save-]").click();
      assert((await page.locator("form[data-autosave] [name=title]").inputValue()) === fields.title, `${kind} was not saved`);
      if (kind === "image") {
        await page.locator("form[data-pictures] [type=file]").setInputFiles(file(shot, "drum.jpg"));
        await page.locator("form[data-pictures] [name=alt]").fill("A roasting drum");
        await page.locator("form[data-pictures] button[type=submit]").click();
        assert((await page.locator(".pics [name=alt1]").inputValue()) === "A roasting drum", "what it shows is gone");
        for (let i = 0; i < 100 && !(await page.locator(".pics__see picture").count()); i++) await page.reload();
        assert(await page.locator(".pics__see picture").count(), "the picture never came");
      }
      await page.locator("#dock-done").click();
    }
    await page.goto(`${world.app}/app/window/publish`);
    await page.locator("#publish-now").click();
    await page.getByText("Everyone sees it now.").waitFor();
    await page.goto(`${world.shop}/@secondcrack`);
    const body = await page.locator("main").innerText();
    for (const s of ["From the roastery", "The drum", "Ground or whole?"]) assert(body.includes(s), `“${s}” is not on the page`);
    assert((await page.locator(".shot img[alt='A roasting drum']").count()) === 1, "the picture is not on the page");
    await v.close();
    return v.faults;
  },
};
