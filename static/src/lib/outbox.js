// The page's side of the worker: who looks at this device, what waits on it, and when it is sent.
const person = document.querySelector('meta[name="uid"]')?.content ?? "";
const empty = { waiting: [], stuck: [] };

async function worker() {
  const reg = await navigator.serviceWorker?.getRegistration("/app/").catch(() => null);
  return reg?.active ?? null;
}

export const outbox = {
  // ask tells the worker something; the answer is what waits afterwards.
  async ask(message) {
    const w = await worker();
    if (!w) return empty;
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((done) => {
      port1.onmessage = (e) => done(e.data);
      setTimeout(() => done(empty), 20000);
    });
    w.postMessage(message, [port2]);
    return answer;
  },
  state: () => outbox.ask("state"),
};

const at = (id) => document.getElementById(id);
const count = (el, n) => (n === 1 ? el.dataset.one : el.dataset.many.replace("%1", n));

// show tells what waits, and what needs its person.
let known = empty;
function show(m) {
  known = m;
  const waits = at("waits");
  if (waits) {
    waits.hidden = !(m.stopped === "sign-in" && m.waiting.length);
    if (!waits.hidden) waits.querySelector("span").textContent = count(waits, m.waiting.length);
  }
  const needs = at("needs-you");
  if (needs) {
    needs.hidden = !m.stuck.length;
    if (m.stuck.length) at("needs-you-t").textContent = count(needs, m.stuck.length);
    needs.querySelector("ul").replaceChildren(...m.stuck.map((op) => row(needs, op)));
  }
  document.dispatchEvent(new CustomEvent("vt:outbox", { detail: m }));
}

function row(needs, op) {
  const el = needs.querySelector("template").content.firstElementChild.cloneNode(true);
  const body = new URLSearchParams(op.body);
  const clash = op.status === 409 && op.method === "PATCH";
  el.querySelector("b").textContent = body.get("title") || body.get("text") || needs.dataset.other;
  el.querySelector("span").textContent = clash ? needs.dataset.clash : op.why || needs.dataset.refused;
  const look = el.querySelector("[data-look]");
  look.id = `look-${op.n}`;
  look.dataset.look = op.n;
  look.hidden = !clash || !at("blocks");
  const drop = el.querySelector("[data-drop]");
  drop.id = `drop-${op.n}`;
  drop.addEventListener("click", async () => show(await outbox.ask({ type: "drop", n: op.n })));
  return el;
}

// needs marks what cannot be done without a connection, while there is none.
const WAITS = /^\/app\/window\/(move|blocks)/;
function needs(off) {
  const word = at("offline")?.dataset.needs;
  const els = [...document.querySelectorAll('main form[method="post"] [type="submit"], main form[method="post"] button:not([type]), #history-bar button, #publish-count, main a[href$="/refund"]')];
  for (const el of els) {
    const to = el.getAttribute("formaction") ?? el.form?.getAttribute("action") ?? "";
    if (!word || WAITS.test(to)) continue;
    if (off === el.hasAttribute("data-needs")) continue;
    if (off) {
      el.dataset.needs = el.getAttribute("aria-disabled") ?? "";
      el.setAttribute("aria-disabled", "true");
      if (el.matches("#history-bar button")) continue; // no room for words; pressing it says them
      const s = document.createElement("small");
      s.className = "needs";
      s.textContent = word;
      el.append(s);
      if (el.hasAttribute("aria-label")) el.dataset.label = el.getAttribute("aria-label");
      el.removeAttribute("aria-label"); // what is read out is what stands there now
    } else {
      if (!el.dataset.needs) el.removeAttribute("aria-disabled");
      el.removeAttribute("data-needs");
      el.querySelector(".needs")?.remove();
      if (el.dataset.label) el.setAttribute("aria-label", el.dataset.label);
      delete el.dataset.label;
    }
  }
}

// offline is whether what is shown can be old: no connection, or an answer from the worker's memory.
const offline = () => !navigator.onLine || document.documentElement.hasAttribute("data-offline");

export function waiting(toasts) {
  // Every write, and every fragment asked for, says for whom.
  document.addEventListener("htmx:configRequest", (e) => {
    if (person) e.detail.headers["X-Person"] = person;
  });
  if (!("serviceWorker" in navigator)) return;

  document.addEventListener("vt:outbox", (e) => {
    if (e.detail.refused) toasts.show({ text: at("needs-you-t").textContent }); // the strip may be scrolled away
  });
  const mark = () => needs(offline());
  const cached = document.documentElement.hasAttribute("data-offline");
  window.addEventListener("offline", mark);
  window.addEventListener("online", async () => {
    show({ ...(await outbox.ask("drain")), back: true });
    if (cached && !at("blocks")) return location.reload();
    document.documentElement.removeAttribute("data-offline"); // the builder fetches its list
    mark();
  });
  document.addEventListener("htmx:afterRequest", (e) => {
    const from = e.detail.xhr?.getResponseHeader?.("X-From");
    if (from === "cache") document.documentElement.setAttribute("data-offline", "");
    else if (e.detail.successful && e.detail.xhr.status !== 202 && navigator.onLine) document.documentElement.removeAttribute("data-offline");
    mark();
  });
  mark();

  // Nothing that needs a connection is begun without one.
  const refuse = (e) => {
    if (!offline() || !e.target.closest?.("[data-needs]")) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    toasts.show({ text: at("offline").dataset.needs });
  };
  document.addEventListener("click", refuse, true);

  navigator.serviceWorker.addEventListener("message", (e) => {
    if (e.data?.type === "outbox") show(e.data);
  });
  if (!document.querySelector('link[rel="manifest"]')) {
    if (!person) outbox.ask({ type: "person", person: "" }); // nobody is signed in: what was seen is forgotten, what waits is kept
    return;
  }
  // Without background sync, what waits is sent when the page begins, comes back, or sees the connection come back.
  navigator.serviceWorker.ready.then(async () => show(await outbox.ask({ type: "person", person })));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) outbox.ask("drain");
  });
  setInterval(() => {
    if (!document.hidden && navigator.onLine && known.waiting.length && !/sign-in|other/.test(known.stopped)) outbox.ask("drain");
  }, 5000);
}

// signingOut asks first when something was not sent, and forgets everything then.
export function signingOut() {
  const d = at("leaving");
  let asked = false;
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (!/^\/logout(\?|$)/.test(form.getAttribute("action")) || asked) return;
    e.preventDefault();
    const go = async () => {
      asked = true;
      await outbox.ask("purge");
      form.requestSubmit();
    };
    const left = (m) => m.waiting.length + m.stuck.length;
    const n = left(await outbox.state());
    if (!n || !d) return go();
    at("leaving-t").textContent = count(d, n);
    d.showModal();
    at("leaving-lose").onclick = go;
    at("leaving-send").onclick = async () => {
      const now = left(await outbox.ask("drain"));
      if (!now) return go();
      at("leaving-t").textContent = count(d, now);
      d.querySelector("[role=alert]").textContent = d.dataset.failed;
    };
  });
}
