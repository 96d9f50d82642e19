// The worker's outbox against a server of its own, without a browser: one phone whose network loses requests and
// answers, another device that is always there, and thousands of ways in which their steps fall between each other.
import { readFileSync } from "node:fs";

const { Outbox, field } = new Function(`${readFileSync("sw/outbox.js", "utf8")}; return { Outbox, field };`)();

// random is a generator with a seed, so that a failure can be seen again.
export function random(seed) {
  let s = seed | 1;
  const next = () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
  return { chance: (p) => next() < p, below: (n) => Math.floor(next() * n) };
}

const uuid = (n) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const blocks = [1, 2, 3, 4].map(uuid);
const path = (b) => `/app/window/blocks/${b}`;

// put moves a block after another, to the beginning for "", or up by one for null.
function put(order, block, after) {
  const was = order.indexOf(block);
  if (was >= 0) order.splice(was, 1);
  order.splice(after === null ? Math.max(0, was - 1) : after ? order.indexOf(after) + 1 : 0, 0, block);
}

// Server does what the builder does: edits hold for a version, what says the same is no change, ids are made once.
class Server {
  text = new Map(blocks.map((b) => [b, "at first"]));
  v = new Map(blocks.map((b) => [b, 1]));
  order = [...blocks];
  log = []; // what took effect

  answer(op) {
    const at = op.path.match(/^\/app\/window\/blocks\/([0-9a-f-]{36})$/)?.[1];
    const id = field(op.body, "id");
    if (at) {
      if (!this.v.has(at)) return { status: 404 };
      const text = field(op.body, "title");
      const bv = Number(field(op.body, "bv"));
      if (text === this.text.get(at)) return { status: 200, version: String(this.v.get(at)) };
      if (bv !== this.v.get(at)) return { status: 409 };
      this.text.set(at, text);
      this.v.set(at, bv + 1);
      this.log.push({ key: op.headers.key, block: at, text });
      return { status: 200, version: String(bv + 1) };
    }
    const had = this.order.indexOf(id);
    if (op.path === "/app/window/blocks" && had >= 0) return { status: 200 };
    if (op.path === "/app/window/blocks") {
      this.text.set(id, "new");
      this.v.set(id, 1);
    }
    if (op.path.endsWith("/move") && op.path !== "/app/window/move") put(this.order, op.path.split("/").at(-2), null);
    else put(this.order, id, field(op.body, "after"));
    this.log.push({ key: op.headers.key, block: id, made: op.path === "/app/window/blocks" });
    return { status: 200 };
  }
}

// play is one life of a phone, alone or beside another device. It returns what was wrong.
export async function play(seed, alone) {
  const r = random(seed);
  const server = new Server();
  const rows = new Map();
  const later = async () => {
    for (let i = r.below(4); i > 0; i--) await new Promise((go) => setImmediate(go));
  };
  let n = 0;
  const store = {
    all: async () => (await later(), [...rows.values()].map((o) => ({ ...o })).sort((a, b) => a.n - b.n)),
    add: async (o) => (await later(), rows.set(++n, { ...o, n })),
    put: async (o) => (await later(), rows.set(o.n, { ...o })),
    delete: async (k) => (await later(), rows.delete(k)),
  };
  let trouble = 0.5;
  const send = async (op) => {
    await later();
    if (r.chance(trouble / 2)) throw new Error("the request is lost");
    if (r.chance(trouble / 4)) return { status: 503 };
    const a = server.answer(op);
    await later();
    if (r.chance(trouble / 2)) throw new Error("the answer is lost");
    return a;
  };
  const outbox = new Outbox(store, send);
  const form = new Map(blocks.map((b) => [b, 1])); // the version that the phone's form of a block began from
  const typed = new Map();
  const keys = [];
  const added = [];
  const order = [...blocks]; // as the phone shows it
  const drains = [];
  const drain = () => drains.push(outbox.drain("ada").then((t) => { if (t.sent) for (const b of blocks) form.set(b, server.v.get(b)); }));
  for (let step = 0; step < 14; step++) {
    await later();
    const block = blocks[r.below(blocks.length)];
    const key = `key ${keys.length}`;
    const op = { person: "ada", method: "PATCH", headers: { key }, body: "" };
    switch (r.below(6)) {
      case 0: // another device is quicker
        if (alone) continue;
        server.text.set(block, `theirs ${step}`);
        server.v.set(block, server.v.get(block) + 1);
        continue;
      case 1:
        drain();
        continue;
      case 2:
        put(order, block, null);
        Object.assign(op, { method: "POST", path: `${path(block)}/move`, body: new URLSearchParams({ to: "up", after: order[order.indexOf(block) - 1] ?? "" }).toString() });
        break;
      case 3:
        added.push(uuid(100 + step));
        put(order, added.at(-1), block);
        Object.assign(op, { method: "POST", path: "/app/window/blocks", body: new URLSearchParams({ id: added.at(-1), kind: "link", after: block }).toString() });
        break;
      default:
        typed.set(block, [...(typed.get(block) ?? []), `mine ${step}`]);
        Object.assign(op, { path: path(block), body: new URLSearchParams({ bv: form.get(block), title: `mine ${step}` }).toString() });
    }
    keys.push(key);
    const { answer } = await outbox.write(op, r.chance(0.5), send);
    if (answer?.version) form.set(block, Number(answer.version));
    if (answer && answer.status !== 200) {
      if (answer.status !== 409 && answer.status !== 503) return [`${answer.status} at once`];
      if (op.method === "PATCH") typed.get(block).pop(); // the person is told at once, and has the text before them
      else return []; // the page shows the true order again
    }
  }
  trouble = 0;
  await Promise.all(drains);
  await outbox.drain("ada");
  return [...rows.values()].filter((o) => alone && o.stuck).map((o) => `${o.body} clashes with the phone's own`).concat(
    alone && order.join() !== server.order.join() ? ["the order is another"] : [], faults({ server, rows: [...rows.values()], typed, added, keys }));
}

function faults({ server, rows, typed, added, keys }) {
  const wrong = [];
  for (const [block, texts] of typed) {
    const last = texts.at(-1);
    const arrived = server.log.some((l) => l.block === block && l.text === last);
    const kept = rows.some((o) => o.stuck && o.path === path(block) && field(o.body, "title") === last);
    if (last && !arrived && !kept) wrong.push(`the edit "${last}" is lost`);
  }
  for (const b of added) {
    const times = server.order.filter((x) => x === b).length;
    if (times > 1 || server.log.filter((l) => l.made && l.block === b).length > 1) wrong.push(`a block was added ${times} times`);
  }
  for (const l of server.log) if (l.text && server.log.filter((x) => x.text === l.text).length > 1) wrong.push(`"${l.text}" took effect twice`);
  const waiting = rows.filter((o) => !o.stuck);
  if (waiting.length) wrong.push(`${waiting.length} were not sent`);
  let before = -1;
  for (const l of server.log) {
    const at = keys.indexOf(l.key);
    if (l.text && at < before) wrong.push(`${l.key} arrived after what came later`);
    if (l.text) before = at;
  }
  return wrong;
}
