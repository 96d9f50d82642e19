// Runs the journeys in e2e/journeys against one Vitrine, one after the other. `node e2e/run.mjs NAME` runs those
// whose file name contains NAME, and of them, with `node e2e/run.mjs NAME WORDS`, those whose own name contains WORDS.
// SHOTS=1 keeps pictures in e2e/shots.
import { readdirSync } from "node:fs";
import { close } from "./lib/browser.mjs";
import { start } from "./lib/world.mjs";

const [only = "", words = ""] = process.argv.slice(2);
const files = readdirSync("e2e/journeys").filter((f) => f.endsWith(".mjs") && f.includes(only)).sort();
const world = await start();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => world.stop().then(() => process.exit(1)));
let passed = 0;
const failed = [];
try {
  for (const f of files) {
    const { journeys } = await import(`./journeys/${f}`);
    for (const [name, run] of Object.entries(journeys)) {
      if (!name.includes(words)) continue;
      const at = Date.now();
      try {
        const faults = (await run(world)) ?? [];
        if (faults.length) throw new Error(`\n  ${[...new Set(faults)].join("\n  ")}`);
        passed++;
        console.log(`ok    ${f.replace(".mjs", "")}: ${name} (${((Date.now() - at) / 1000).toFixed(1)} s)`);
      } catch (e) {
        failed.push(name);
        console.log(`FAIL  ${f.replace(".mjs", "")}: ${name}\n${e.stack ?? e}`);
      }
    }
  }
} finally {
  await close();
  await world.stop();
}
if (failed.length) console.log(world.log().slice(-4000));
console.log(`${passed} passed, ${failed.length} failed`);
process.exit(failed.length || !passed ? 1 : 0);
