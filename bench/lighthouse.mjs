// Lighthouse as a phone on slow 4G with a quarter of this machine's speed, a line of JSON for each page of each round.
// node bench/lighthouse.mjs ROUNDS URL…
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// executable is the Chromium inside the npm package, where that one runs, or the system's.
async function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  process.env.TMPDIR = join(tmpdir(), "vitrine-chromium-143.0.4");
  mkdirSync(process.env.TMPDIR, { recursive: true });
  const { default: packed } = await import("@sparticuz/chromium");
  return packed.executablePath();
}

// visit is one visit. A trace that the browser lost on a busy machine is taken again; a page that is wrong stays wrong.
async function visit(url, tries = 3) {
  const { lhr } = await lighthouse(url, { port: chrome.port, output: "json", logLevel: "silent" });
  const lost = lhr.runtimeError ?? (lhr.audits["largest-contentful-paint"].numericValue === undefined && { message: "no paint was seen" });
  if (!lost) return { lhr };
  if (tries === 1) throw new Error(`${url}: ${lost.message}`);
  return visit(url, tries - 1);
}

const [rounds, ...urls] = process.argv.slice(2);
const chrome = await launch({ chromePath: await executable(), chromeFlags: quiet, logLevel: "silent" });
try {
  for (let round = 0; round < Number(rounds); round++) {
    for (const url of urls) {
      const { lhr } = await visit(url);
      const number = (id) => lhr.audits[id].numericValue;
      const score = (id) => Math.round(lhr.categories[id].score * 100);
      const below = Object.values(lhr.categories).flatMap((c) => c.auditRefs).filter((r) => r.weight && lhr.audits[r.id].score !== null && lhr.audits[r.id].score < 0.9).map((r) => r.id);
      console.log(JSON.stringify({
        url, performance: score("performance"), accessibility: score("accessibility"), practices: score("best-practices"), seo: score("seo"),
        lcp: number("largest-contentful-paint"), tbt: number("total-blocking-time"), cls: number("cumulative-layout-shift"), bytes: number("total-byte-weight"), below,
      }));
    }
  }
} finally {
  await chrome.kill();
}
