// The builder without a connection: what waits on this phone is shown as if it had arrived. Every answer that comes
// from the worker's memory is older than what waits, so what waits is laid over it.
import { fill } from "../lib/forms.js";
import { outbox } from "../lib/outbox.js";

const words = document.getElementById("offline")?.dataset ?? {};
const list = () => document.getElementById("blocks");
const li = (id) => document.getElementById(`blk-${id}`);
const items = () => [...(list()?.querySelectorAll(":scope > [data-block]") ?? [])];
const EDIT = /^\/app\/window\/blocks\/([0-9a-f-]{36})$/;
const PART = /^\/app\/window\/blocks\/([0-9a-f-]{36})\/(\w+)$/;
const params = (body) => new URLSearchParams(body);

// newId is a UUIDv7: blocks are named where they are made.
function newId() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  let t = Date.now();
  for (let i = 5; i >= 0; i--, t = Math.floor(t / 256)) b[i] = t % 256;
  b[6] = (b[6] & 0x0f) | 0x70;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

// renew gives forms that make blocks other names: those in kept fragments may have been used.
function renew() {
  for (const f of document.querySelectorAll('#sheet form[action="/app/window/blocks"]')) if (f.elements.id) f.elements.id.value = newId();
  const copy = document.getElementById("dock-copy");
  if (copy) copy.value = newId();
}

// A move says after which block it puts its own, so that arriving twice moves once.
document.addEventListener("htmx:configRequest", (e) => {
  const move = e.detail.path.match(PART);
  if (e.detail.verb !== "post" || move?.[2] !== "move") return;
  const at = items().map((el) => el.dataset.block);
  const i = at.indexOf(move[1]);
  if (i < 0) return;
  const p = e.detail.parameters;
  const to = p.get ? p.get("to") : p.to;
  at.splice(i, 1);
  const n = Math.max(0, Math.min(at.length, to === "up" ? i - 1 : to === "down" ? i + 1 : Number(to) - 1));
  const after = n ? at[n - 1] : "";
  if (p.set) p.set("after", after);
  else p.after = after;
});

// lay shows one entry that waits, in the list as it stands. Laying it twice is laying it once.
function lay(op) {
  const body = params(op.body);
  const edit = op.path.match(EDIT);
  const part = op.path.match(PART);
  if (edit) write(edit[1], body);
  else if (op.path === "/app/window/move") place(li(body.get("id")), body.get("after"));
  else if (op.path === "/app/window/blocks") promise(body.get("id"), body.get("after"));
  else if (part?.[2] === "copy") promise(body.get("fresh"), part[1]);
  else if (part?.[2] === "remove") li(part[1])?.setAttribute("hidden", "");
  else if (part?.[2] === "restore") li(part[1])?.removeAttribute("hidden");
  else if (part) li(part[1])?.querySelector(".blk")?.classList.toggle("blk--off", part[2] === "hide");
}

// write puts the text that waits into the open form, or beside the closed block.
function write(id, body) {
  fill(document.getElementById(`edit-${id}`), body);
  const closed = li(id)?.querySelector(".blk__in");
  if (!closed) return;
  let note = closed.querySelector(".blk__waits");
  if (!note) {
    note = document.createElement("p");
    note.className = "blk__missing blk__waits";
    closed.append(note);
  }
  note.textContent = words.waiting.replace("%1", body.get("title") || body.get("text") || "…");
}

function place(el, after) {
  if (!el) return;
  if (after && li(after)) li(after).after(el);
  else if (!after) list().prepend(el);
}

// promise holds the place of a block that the server has not made yet.
function promise(id, after) {
  if (!id || li(id)) return;
  const el = document.createElement("li");
  el.id = `blk-${id}`;
  el.className = "slot";
  el.dataset.block = id;
  el.dataset.name = words.added;
  const box = document.createElement("p");
  box.className = "blk blk--promised";
  box.textContent = words.added;
  el.append(box);
  if (after && li(after)) li(after).after(el);
  else if (after) list().append(el);
  else list().prepend(el);
}

async function layAll() {
  const { waiting } = await outbox.state();
  if (!list()) return;
  for (const op of waiting) lay(op);
}

// A kept list is older than the one that is shown. Of the old one only the block is taken that is being opened, and
// the one that is open now, which closes.
document.addEventListener("htmx:beforeSwap", (e) => {
  const { xhr, target } = e.detail;
  const seq = document.getElementById("save-state")?.dataset.seq ?? "";
  if (xhr.status === 202) e.detail.serverResponse = e.detail.serverResponse.replace('id="save-state"', `id="save-state" data-seq="${seq}"`); // the draft is as it was
  if (target?.id !== "blocks" || xhr.getResponseHeader("X-From") !== "cache") return;
  const t = document.createElement("template");
  t.innerHTML = e.detail.serverResponse;
  const old = t.content.querySelector("#blocks");
  const open = (el) => Boolean(el?.querySelector(".blk__form"));
  if (!old) return;
  const now = list().cloneNode(true);
  for (const el of [...now.children]) {
    const kept = el.id && old.querySelector(`#${CSS.escape(el.id)}`);
    if (kept && (open(kept) || open(el))) el.replaceWith(kept);
  }
  old.replaceWith(now);
  for (const el of t.content.querySelectorAll("#save-state, #publish-count, #history-bar")) el.remove(); // these are known better here
  e.detail.serverResponse = t.innerHTML;
});

document.addEventListener("htmx:afterSettle", (e) => {
  if (e.detail.xhr?.getResponseHeader("X-From") === "cache") {
    const after = e.detail.pathInfo?.requestPath?.match(/[?&]after=([0-9a-f-]{36})/)?.[1];
    for (const el of document.querySelectorAll('#sheet input[name="after"]')) if (after) el.value = after;
    renew();
    layAll();
  }
});

// A write that waits is shown at once.
document.addEventListener("htmx:afterRequest", (e) => {
  if (e.detail.xhr?.status !== 202) return;
  renew();
  document.getElementById("sheet")?.close?.();
  layAll();
});

// After sending, the list is fetched as the server has it. What is being typed stays.
let fetching = null;
function refresh() {
  const open = document.getElementById("open")?.value;
  fetching ??= window.htmx
    .ajax("GET", `/app/window/blocks${open ? `?b=${open}` : ""}`, { source: "#blocks", target: "#blocks", swap: "morph:outerHTML" })
    .catch(() => {}) // it is shown as it was
    .finally(() => (fetching = null));
}
document.addEventListener("vt:outbox", (e) => {
  layAll(); // another tab may have written
  const { sent, refused, back, waiting, stopped } = e.detail;
  if (list() && (sent || refused || (back && !waiting.length && !stopped))) refresh();
});

// Look shows both texts of an edit that another device was quicker with: the block is opened, and the edit sent once
// more; the answer is the choice.
document.addEventListener("click", async (e) => {
  const b = e.target.closest?.("[data-look]");
  if (!b || !list()) return;
  const op = (await outbox.state()).stuck.find((o) => String(o.n) === b.dataset.look);
  const id = op?.path.match(EDIT)?.[1];
  if (!id) return;
  const ready = new Promise((done) => document.addEventListener("htmx:afterSettle", done, { once: true })); // the form listens from then on
  await window.htmx.ajax("GET", `/app/window/blocks?b=${id}`, { source: "#blocks", target: "#blocks", swap: "morph:outerHTML" });
  await ready;
  const form = document.getElementById(`edit-${id}`);
  if (!form) return;
  fill(form, params(op.body), null);
  form.elements.bv.value = params(op.body).get("bv");
  window.htmx.trigger(form, "submit");
});

// Who uses theirs gives their own up.
document.addEventListener("click", async (e) => {
  const form = e.target.closest?.(".clash a[hx-get]")?.closest("form");
  if (!form) return;
  for (const op of (await outbox.state()).stuck) if (op.path === form.getAttribute("action")) await outbox.ask({ type: "drop", n: op.n });
});

// What will be wanted without a connection is fetched while there is one: the sheet, every block's form, the page.
const person = document.querySelector('meta[name="uid"]')?.content;
const warmed = new Set();
let soon = 0;
function warm(ms) {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (!navigator.onLine || navigator.connection?.saveData || document.hidden) return;
    const urls = ["/app/window#page", "/app/window/blocks", "/app/window/add", ...items().slice(0, 30).map((el) => `/app/window/blocks?b=${el.dataset.block}`)].filter((u) => !warmed.has(u));
    for (const u of urls) warmed.add(u);
    if (urls.length) outbox.ask({ type: "warm", person, urls });
  }, ms);
}
document.addEventListener("htmx:afterRequest", (e) => {
  const { xhr, requestConfig } = e.detail;
  if (!requestConfig || requestConfig.verb === "get" || xhr.status >= 300 || xhr.status === 202) return;
  warmed.delete("/app/window#page");
  warmed.delete(`/app/window/blocks?b=${requestConfig.path.match(EDIT)?.[1]}`);
  warm(4000);
});
if (list()) {
  layAll();
  warm(1500);
}
