// Describing a window: blocks stream in, another version of one, undo all, keep; without script, and when the model fails.
import { assert, inspect, open } from "../lib/browser.mjs";
import { control, seed, signIn } from "../lib/demo.mjs";

const sentence = "I'm Ravi and I bind books by hand in Leeds. I sell a notebook for £24 and a weekend of binding for £180. Find me at instagram.com/ravi.binds";

// A shop of the demo world whose draft is written anew here.
async function studio(world, options = {}) {
  await seed(world, "ravi");
  const v = await open(options);
  await signIn(world, v.page, "ravi@vitrine.example");
  return v;
}

async function describe(world, page, { tone = "Warm", anew = true } = {}) {
  await page.goto(`${world.app}/start/ai`);
  await page.getByLabel("In your own words").fill(sentence);
  await page.getByLabel(tone).check();
  if (anew) await page.getByLabel(/Begin anew/).check();
  await page.getByRole("button", { name: "Write my window" }).click();
  await page.waitForURL(/window\/ai\//);
}

const blocks = (page) => page.locator("#run .slot:not(#coming)");

export const journeys = {
  "a window is described, comes block by block, and is undone in one step": async (world) => {
    const faults = [];
    for (const dark of [false, true]) {
      const v = await studio(world, { dark });
      await v.page.goto(`${world.app}/start/ai`);
      await inspect(v, `describe-${dark ? "dark" : "light"}`);
      await v.page.goto(`${world.app}/app/window`);
      const before = await v.page.locator("#blocks > li").count();
      await describe(world, v.page);
      const seen = new Set();
      for (const end = Date.now() + 60000; !(await v.page.locator("#keep").count()); ) {
        seen.add(await blocks(v.page).count());
        assert(Date.now() < end, "it is never done");
        await v.page.waitForTimeout(60);
      }
      assert(seen.size >= 3, `the blocks did not come one by one: ${[...seen]}`);
      assert((await blocks(v.page).count()) >= 5, "too few blocks");
      assert((await v.page.locator("#run").getByText("£24").count()) > 0 && (await v.page.locator("#run").getByText("£180").count()) > 0, "a price is missing");
      await inspect(v, `described-${dark ? "dark" : "light"}`);
      const text = v.page.locator("#run .blk--text").first();
      const said = await text.innerText();
      await v.page.getByRole("button", { name: /Another version of/ }).nth(1).click();
      await v.page.waitForFunction((was) => document.querySelector("#run .blk--text")?.innerText !== was, said);
      await v.page.goto(`${world.app}/app/window`);
      await v.page.locator("#undo").click(); // the other version
      await v.page.waitForFunction(() => !/changed/i.test(document.querySelector("#undo").ariaLabel ?? ""));
      await v.page.goBack();
      await v.page.locator("#undo-all").click();
      await v.page.getByRole("heading", { name: "All of it is undone" }).waitFor();
      await inspect(v, `undone-${dark ? "dark" : "light"}`);
      await v.page.goto(`${world.app}/app/window`);
      assert((await v.page.locator("#blocks > li").count()) === before, "the window is not as it was");
      await v.close();
      faults.push(...v.faults);
    }
    return faults;
  },

  "without script, and with a model that is down, a window comes all the same": async (world) => {
    await control(world, "/llm/faults", { kind: "hostile", times: 0 });
    try {
      const v = await studio(world, { javaScript: false });
      await describe(world, v.page, { tone: "Playful" });
      for (const end = Date.now() + 60000; !(await v.page.locator("#keep").count()); ) {
        assert(Date.now() < end, "it is never done");
        await v.page.waitForTimeout(500);
        await v.page.reload();
      }
      assert((await v.page.getByText(/Written from our templates/).count()) === 1, "it does not say who wrote it");
      assert(!/thief|evil|script>/i.test(await v.page.locator("#run").innerHTML()), "something hostile came through");
      await v.page.locator("#keep").click();
      await v.page.waitForURL(/app\/window$/);
      await v.close();
      return v.faults;
    } finally {
      await control(world, "/llm/faults/clear");
    }
  },
};
