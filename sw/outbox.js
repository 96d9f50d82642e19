// The outbox holds writes that could not be sent, in order, each for the person who made it. It knows neither the
// network nor the database: `store` keeps the entries, `send` sends one.

// What may wait: changes of a window that mean the same whenever they arrive. Publishing, undoing, looks, money and
// everything else needs a connection.
function mayWait(method, path) {
  return (method === "PATCH" || method === "POST") && /^\/app\/window\/(move|blocks(\/[0-9a-f-]{36}(\/(move|copy|hide|show|remove|restore))?)?)$/.test(path);
}

const isEdit = (op) => /^\/app\/window\/blocks\/[0-9a-f-]{36}$/.test(op.path);
const isAbout = (op, block) => op.path.includes(block) || op.body.includes(block);
const field = (body, name) => new URLSearchParams(body).get(name);
const withField = (body, name, value) => {
  const p = new URLSearchParams(body);
  p.set(name, value);
  return p.toString();
};

// intent is the entry in a form that may arrive twice: "up" depends on where the block is then, a place after another
// block does not. The page says in `after` which place that is.
function intent(op) {
  const move = op.path.match(/^\/app\/window\/blocks\/([0-9a-f-]{36})\/move$/);
  const p = new URLSearchParams(op.body);
  if (!move || !p.has("after")) return op;
  const body = new URLSearchParams({ id: move[1], after: p.get("after"), open: p.get("open") ?? "" });
  return { ...op, path: "/app/window/move", body: body.toString() };
}

// verdict is what an answer means for the entry that was sent.
function verdict(status) {
  if (status === 401) return "sign-in"; // the session has ended: it waits for its person
  if (status === 412) return "other"; // someone else is signed in: it waits for its person
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "later";
  return status >= 400 ? "stuck" : "sent";
}

class Outbox {
  constructor(store, send) {
    Object.assign(this, { store, send, busy: null, again: false, turn: Promise.resolve(), made: new Map() });
  }

  // Changes of the entries take turns, so that none overwrites another's.
  inTurn(f) {
    const done = this.turn.then(f);
    this.turn = done.catch(() => {});
    return done;
  }

  async of(person) {
    return (await this.store.all()).filter((o) => o.person === person);
  }

  async waiting(person) {
    return (await this.of(person)).filter((o) => !o.stuck);
  }

  // write sends an entry at once, with `live`, or lets it wait behind those that wait already. The answer is the
  // server's, or how many wait.
  async write(op, online, live) {
    if (online && !(await this.waiting(op.person)).length) {
      op = this.newer(op);
      try {
        return { answer: await live(op) };
      } catch {
        op = { ...op, tried: true }; // it may have arrived
      }
    }
    return { waiting: await this.push(op) };
  }

  // push lets an entry wait. An edit of what a waiting edit says replaces its text, and keeps the version it began
  // from and its key; unless that edit may have arrived already, or the block was changed otherwise since.
  push(op) {
    return this.inTurn(async () => {
      op = this.newer(op);
      const before = await this.waiting(op.person);
      const last = isEdit(op) && before.filter((o) => isAbout(o, op.path.split("/").pop())).pop();
      if (last && last.method === op.method && last.path === op.path) {
        const body = withField(op.body, "bv", field(last.body, "bv"));
        if (body === withField(last.body, "bv", field(last.body, "bv"))) return before.length; // it says so already
        if (!last.tried) {
          await this.store.put({ ...last, body });
          return before.length;
        }
      }
      await this.store.add(intent(op));
      return before.length + 1;
    });
  }

  drop(keep) {
    return this.inTurn(async () => {
      for (const o of await this.store.all()) if (!keep(o)) await this.store.delete(o.n);
    });
  }

  // drain sends what waits for a person, one after the other, and tells how that went. Asked while it is at it, it
  // looks once more at the end.
  drain(person) {
    this.again = true;
    return (this.busy ??= this.run(person));
  }

  async run(person) {
    const told = { sent: 0, refused: 0, stopped: "" };
    try {
      while (this.again && !told.stopped) {
        this.again = false;
        for (let op; !told.stopped && (op = await this.next(person)); ) await this.one(op, told);
      }
    } finally {
      this.busy = null;
    }
    return told;
  }

  // next is marked as tried before it goes: from then on it may have arrived.
  next(person) {
    return this.inTurn(async () => {
      const [op] = await this.waiting(person);
      if (!op) return null;
      if (!op.tried) await this.store.put({ ...op, tried: true });
      return op;
    });
  }

  async one(op, told) {
    let answer = null;
    try {
      answer = await this.send(op);
    } catch {
      // no connection
    }
    const what = answer ? verdict(answer.status) : "later";
    await this.inTurn(async () => {
      if (what === "sent") {
        await this.store.delete(op.n);
        await this.rebase(op, answer.version);
        await this.settle(op);
        told.sent++;
      } else if (what === "stuck") {
        await this.store.put({ ...op, tried: true, stuck: true, status: answer.status, why: answer.why ?? "" });
        told.refused++;
      } else {
        told.stopped = what;
      }
    });
  }

  // settle ends what needed its person, once they have chosen their own text.
  async settle(op) {
    if (field(op.body, "keep") !== "mine") return;
    for (const o of await this.of(op.person)) if (o.stuck && o.path === op.path) await this.store.delete(o.n);
  }

  // rebase lets later edits of the same text begin from the version that this one has made: those that wait, and
  // those that a page sends before it has heard of it.
  async rebase(op, version) {
    const began = field(op.body, "bv");
    if (!isEdit(op) || !version || version === began) return;
    this.made.set(`${op.path} ${began}`, version);
    for (const o of await this.waiting(op.person)) if (o.path === op.path) await this.store.put(this.newer(o));
  }

  newer(op) {
    const version = isEdit(op) && this.made.get(`${op.path} ${field(op.body, "bv")}`);
    return version ? this.newer({ ...op, body: withField(op.body, "bv", version) }) : op;
  }
}
