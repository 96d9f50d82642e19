// The creator app's service worker. It keeps the shell (styles, scripts, fonts, icons) and the offline page, what was
// last seen (pages.js), and writes that wait for a connection (outbox.js). BUILD, SHELL and WAITING, the fragment that
// answers a write that waits, are put in by the server.
const CACHE = `shell-${BUILD}`;
const OFFLINE = "/app/offline";

self.addEventListener("install", (e) => {
  e.waitUntil(
    caches.open(CACHE).then((c) => c.addAll([...SHELL, OFFLINE].map((u) => new Request(u, { credentials: "omit", cache: "reload" })))),
  );
});

self.addEventListener("activate", (e) => {
  e.waitUntil(
    (async () => {
      for (const key of await caches.keys()) if (key !== CACHE && !kinds(key)) await caches.delete(key);
      await self.clients.claim();
    })(),
  );
});

// The database: entries that wait, and facts.
let opened;
const database = () =>
  (opened ??= new Promise((done, fail) => {
    const q = indexedDB.open("vitrine", 1);
    q.onupgradeneeded = () => {
      q.result.createObjectStore("outbox", { keyPath: "n", autoIncrement: true });
      q.result.createObjectStore("facts");
    };
    q.onsuccess = () => {
      const forgotten = () => (opened = null);
      q.result.onclose = forgotten; // the browser has cleared what the site stored
      q.result.onversionchange = () => (q.result.close(), forgotten());
      done(q.result);
    };
    q.onerror = () => fail(q.error);
  }).catch((e) => {
    opened = null;
    throw e;
  }));

async function within(name, mode, f) {
  const d = await database();
  return new Promise((done, fail) => {
    const t = d.transaction(name, mode);
    const q = f(t.objectStore(name));
    t.oncomplete = () => done(q.result);
    t.onerror = t.onabort = () => fail(t.error);
  });
}
const fact = (key) => within("facts", "readonly", (s) => s.get(key)).then((v) => v ?? "");
const setFact = (key, value) => within("facts", "readwrite", (s) => s.put(value, key));

const outbox = new Outbox(
  {
    all: () => within("outbox", "readonly", (s) => s.getAll()),
    add: (op) => within("outbox", "readwrite", (s) => s.add(op)),
    put: (op) => within("outbox", "readwrite", (s) => s.put(op)),
    delete: (n) => within("outbox", "readwrite", (s) => s.delete(n)),
  },
  send,
);

// send sends one entry. The version of a block that it made stands in the answer, a reason why not in its header.
async function send(op) {
  const r = await fetch(op.path, {
    method: op.method, headers: { ...op.headers, "X-Replay": "1" }, body: op.body, redirect: "manual", signal: AbortSignal.timeout(15000),
  });
  if (r.type === "opaqueredirect" || r.headers.has("HX-Redirect")) return { status: 401 }; // there is something to do first
  const text = await r.text();
  const input = text.match(new RegExp(`<input[^>]*id="bv-${op.path.split("/").pop()}"[^>]*>`))?.[0];
  let why = "";
  try {
    why = JSON.parse(r.headers.get("HX-Trigger")).toast.text;
  } catch {
    // none is given
  }
  return { status: r.status, version: input?.match(/value="(\d+)"/)?.[1], why };
}

// write sends a change at once, or lets it wait behind those that wait already. Without a connection it is not tried.
async function write(event, request) {
  const url = new URL(request.url);
  const headers = {};
  for (const k of ["Content-Type", "HX-Request", "HX-Target", "HX-Current-URL", "Idempotency-Key", "X-Person"]) if (request.headers.has(k)) headers[k] = request.headers.get(k);
  const op = { person: headers["X-Person"], method: request.method, path: url.pathname, headers, body: await request.clone().text(), at: Date.now() };
  if (!(await database().catch(() => null))) return fetch(request); // this browser stores nothing
  const { answer, waiting } = await outbox.write(op, navigator.onLine, (o) =>
    fetch(o === op ? request : new Request(request, { body: o.body }), { signal: AbortSignal.timeout(10000) }),
  );
  if (answer) {
    if (answer.status < 300) event.waitUntil(taken(op));
    return answer;
  }
  event.waitUntil(self.registration.sync?.register("outbox").catch(() => {}) ?? Promise.resolve());
  if (navigator.onLine) event.waitUntil(drain());
  event.waitUntil(tell({}));
  return new Response(WAITING.replace("%1", waiting), { status: 202, headers: { "Content-Type": "text/html; charset=utf-8", "HX-Reswap": "none" } });
}

// taken forgets what a write that has arrived makes old: the kept form of its block, and a choice that was open.
async function taken(op) {
  if (!isEdit(op)) return;
  const url = `${location.origin}/app/window/blocks?b=${op.path.split("/").pop()}`;
  if (await caches.has(`frag-${op.person}`)) await (await caches.open(`frag-${op.person}`)).delete(url);
  await outbox.inTurn(() => outbox.settle(op));
  await tell({});
}

async function drain() {
  const person = await fact("person");
  const told = person && (await outbox.waiting(person)).length ? await outbox.drain(person) : { stopped: "" };
  stopped = told.stopped;
  if ("sent" in told) await tell(told);
}
let stopped = ""; // why the last sending ended early

// state is what waits for the person whose device this is now.
async function state() {
  const all = await outbox.of(await fact("person"));
  return { type: "outbox", waiting: all.filter((o) => !o.stuck), stuck: all.filter((o) => o.stuck), stopped };
}

async function tell(news) {
  const message = { ...(await state()), ...news };
  for (const c of await self.clients.matchAll({ type: "window" })) c.postMessage(message);
}

const asked = {
  skip: () => self.skipWaiting(),
  drain,
  state: () => {},
  // Who looks at this device now; nobody, after signing out elsewhere. Nothing of others is shown or sent any more.
  person: async ({ person }) => {
    await becomes(person);
    await drain();
  },
  warm: ({ person, urls }) => warm(person, urls),
  drop: ({ n }) => outbox.drop((o) => o.n !== n),
  // After signing out only the shell is left, as it was installed.
  purge: async () => {
    await forget();
    await outbox.drop(() => false);
  },
};

self.addEventListener("message", (e) => {
  const m = typeof e.data === "string" ? { type: e.data } : e.data;
  e.waitUntil(
    (async () => {
      await asked[m.type]?.(m);
      e.ports[0]?.postMessage(await state());
    })(),
  );
});

self.addEventListener("sync", (e) => {
  if (e.tag === "outbox") e.waitUntil(drain());
});

self.addEventListener("fetch", (e) => {
  const r = e.request;
  const url = new URL(r.url);
  if (url.origin !== location.origin) return;
  const htmx = r.headers.get("HX-Request") === "true";
  if (r.method !== "GET") {
    if (htmx && r.headers.get("X-Person") && mayWait(r.method, url.pathname)) e.respondWith(write(e, r));
    return;
  }
  if (SHELL.includes(url.pathname)) e.respondWith(caches.match(r.url, { cacheName: CACHE }).then((hit) => hit || fetch(r)));
  else if (r.mode === "navigate") e.respondWith(fresh("pages", e, r).catch(() => caches.match(OFFLINE, { cacheName: CACHE })));
  else if (htmx) e.respondWith(fresh("frag", e, r));
});
