// A whole Vitrine of its own for the journeys: its own ports, its own data, gone afterwards.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const freePort = () =>
  new Promise((done, fail) => {
    const s = createServer();
    s.on("error", fail);
    s.listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });

// The way of the money takes days. Here money rests for a week, and the hour of the payouts has just passed, so that the
// next is a day away; a journey that wants these over starts Vitrine again with other settings.
const slow = { SETTLEMENT_DAYS: "7", INSTANCE_TIME_ZONE: "Etc/GMT+12", PAYOUT_HOUR: String(new Date(Date.now() - 12 * 3600e3).getUTCHours()) };
export const weekLater = { SETTLEMENT_DAYS: "0" };
export const payoutDay = { SETTLEMENT_DAYS: "0", INSTANCE_TIME_ZONE: "Etc/GMT-14", PAYOUT_HOUR: "0" };

export async function start() {
  const data = mkdtempSync(join(tmpdir(), "vitrine-e2e-"));
  const port = await freePort();
  const ports = { PORT: String(port), SANDBOX_PORT: String(await freePort()) };
  const logs = [];
  let child = null;

  async function begin(settings) {
    child = spawn(process.env.VITRINE_BIN ?? "bin/vitrine", ["dev"], {
      env: { ...process.env, ...ports, VITRINE_DATA: data, LOG_LEVEL: "warn", DATABASE_URL: "", REDIS_URL: "", S3_ENDPOINT: "", AWS_ACCESS_KEY_ID: "", SMTP_URL: "", STRIPE_SECRET_KEY: "", PAYPAL_CLIENT_ID: "", ...slow, ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stderr.on("data", (b) => logs.push(b));
    const out = await new Promise((done, fail) => {
      let text = "";
      const late = setTimeout(() => {
        child.kill("SIGINT");
        fail(new Error(`Vitrine did not start:\n${text}\n${logs.join("")}`));
      }, 60000);
      child.stdout.on("data", (b) => {
        text += b;
        if (text.includes("Ctrl-C")) {
          clearTimeout(late);
          done(text);
        }
      });
      child.on("exit", (code) => fail(new Error(`Vitrine ended with ${code}:\n${text}\n${logs.join("")}`)));
    });
    const find = (label) => out.match(new RegExp(`${label}\\s+(http\\S+)`))[1];
    Object.assign(world, { inbox: find("Mails"), sandbox: find("Sandbox") });
  }

  async function end() {
    child.removeAllListeners("exit");
    if (child.exitCode !== null) return;
    const done = new Promise((r) => child.once("exit", r));
    child.kill("SIGINT");
    await Promise.race([done, new Promise((r) => setTimeout(r, 40000))]); // a picture that is being made smaller is finished
  }

  const world = {
    app: `http://localhost:${port}`,
    shop: `http://shop.localhost:${port}`,
    media: `http://media.localhost:${port}`,
    data,
    log: () => logs.join(""),
    // restart ends Vitrine and starts it on the same data, with some settings changed.
    async restart(settings = {}) {
      await end();
      await begin(settings);
    },
    // without runs something while no Vitrine answers.
    async without(run) {
      await end();
      try {
        await run();
      } finally {
        await begin({});
      }
    },
    async stop() {
      await end();
      rmSync(data, { recursive: true, force: true });
    },
  };
  await begin({});
  return world;
}

// mail waits for the newest mail to an address whose subject matches, and returns its text.
export async function mail(world, to, subject, tries = 100) {
  for (let i = 0; i < tries; i++) {
    const list = await (await fetch(`${world.inbox}/?to=${encodeURIComponent(to)}`)).text();
    for (const m of list.matchAll(/href="(\/mail\/[^"]+)"><strong>([^<]*)/g)) {
      if (!subject.test(m[2])) continue;
      const page = await (await fetch(world.inbox + m[1])).text();
      const text = page.match(/<pre>([\s\S]*?)<\/pre>/)[1];
      return { subject: m[2], text: text.replace(/<[^>]+>/g, "").replaceAll("&amp;", "&").replaceAll("&#34;", '"').replaceAll("&#39;", "'") };
    }
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error(`no mail to ${to} about ${subject}`);
}
