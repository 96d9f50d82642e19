// A phone in the hand of a person who notices: every page it visits is checked for accessibility, overflow,
// small targets, console errors and policy reports.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-gpu", "--no-sandbox"];

// executable is the Chromium inside the npm package, or the system's.
async function executable() {
  if (process.env.CHROMIUM) return { path: process.env.CHROMIUM, args: quiet };
  if (process.platform === "linux" && process.arch === "x64") {
    process.env.TMPDIR = join(tmpdir(), "vitrine-chromium-143.0.4");
    mkdirSync(process.env.TMPDIR, { recursive: true });
    const { default: packed } = await import("@sparticuz/chromium");
    return { path: await packed.executablePath(), args: [...packed.args.filter((a) => !/headless|user-data|single-process/.test(a)), ...quiet] };
  }
  for (const p of ["/usr/bin/chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]) if (existsSync(p)) return { path: p, args: quiet };
  throw new Error("No Chromium was found: set CHROMIUM to one.");
}

let shared;
export async function launch() {
  if (!shared) {
    const { path, args } = await executable();
    shared = await chromium.launch({ executablePath: path, args, headless: true });
  }
  return shared;
}
export async function close() {
  await shared?.close();
}

export const phone = { width: 390, height: 844 };
export const small = { width: 360, height: 640 };
export const wide = { width: 1280, height: 800 };

// open gives a fresh visitor. What went wrong on the way is in `faults`.
export async function open({ viewport = phone, javaScript = true, dark = false, locale = "en-GB", expect = [] } = {}) {
  const browser = await launch();
  const context = await browser.newContext({
    viewport, javaScriptEnabled: javaScript, colorScheme: dark ? "dark" : "light", reducedMotion: "reduce", locale,
    hasTouch: viewport.width < 800, isMobile: false, deviceScaleFactor: 2, acceptDownloads: true,
  });
  return watch(context, expect);
}

async function watch(context, expect) {
  const faults = [];
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  const page = await context.newPage();
  const forgiven = [/status of 4(09|22)/, ...expect];
  page.on("console", (m) => {
    if (m.type() === "error" && !forgiven.some((f) => f.test(m.text()))) faults.push(`console on ${page.url()}: ${m.text()}`);
  });
  page.on("pageerror", (e) => faults.push(`script on ${page.url()}: ${e.message}`));
  return { context, page, faults, close: () => context.close() };
}

// install gives a visitor whose browser keeps things as that of an installed app does, and sends in the background.
export async function install({ viewport = phone, expect = [] } = {}) {
  const { path, args } = await executable();
  const profile = mkdtempSync(join(tmpdir(), "vitrine-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: path, args, headless: true, viewport, reducedMotion: "reduce", locale: "en-GB", hasTouch: true, deviceScaleFactor: 2, permissions: ["background-sync"],
  });
  const v = await watch(context, expect);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { ...v, close };
}

// inspect looks at the page as it stands. Without JavaScript the page is loaded again in a visitor who has it.
export async function inspect(visitor, name, { except = [] } = {}) {
  const { page, faults } = visitor;
  const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"] }).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(" | "))); })()`).catch((e) => [`axe could not run: ${e.message}`]);
  for (const v of found.filter((f) => !except.some((e) => f.startsWith(`${e}:`)))) faults.push(`axe on ${name} ${page.url()}: ${v}`);
  const wideBy = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wideBy > 0) faults.push(`${name} ${page.url()} is ${wideBy} px too wide`);
  const tiny = await page.evaluate(() =>
    [...document.querySelectorAll("button, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, .btn, nav a")]
      .filter((el) => el.checkVisibility?.() && !el.closest(".sr, .hp"))
      .map((el) => [el, el.getBoundingClientRect()])
      .filter(([, r]) => r.width > 0 && (r.height < 43.5 || r.width < 43.5))
      .map(([el, r]) => `${el.tagName}#${el.id} ${Math.round(r.width)}×${Math.round(r.height)}`),
  );
  if (tiny.length) faults.push(`small targets on ${name} ${page.url()}: ${tiny.slice(0, 4).join(", ")}`);
  const ids = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter((el) => !el.id && el.checkVisibility?.()).map((el) => el.outerHTML.slice(0, 80)));
  if (ids.length) faults.push(`without id on ${name} ${page.url()}: ${ids.slice(0, 3).join(" ")}`);
  if (process.env.SHOTS) {
    mkdirSync("e2e/shots", { recursive: true });
    await page.screenshot({ path: `e2e/shots/${name.replaceAll(/\W+/g, "-")}.png`, fullPage: process.env.SHOTS === "full" });
  }
}

export function assert(ok, message) {
  if (!ok) throw new Error(message);
}
