// Moving blocks: by their handle with a finger or a mouse, and by keys. Both fill #move-form, which the
// server answers with the list in its true order.
import Sortable from "sortablejs";
import { fill } from "../lib/forms.js";
import { pictures } from "../lib/pictures.js";

const htmx = window.htmx;
pictures();
const form = () => document.getElementById("move-form");
const list = () => document.getElementById("blocks");
const items = () => [...list().querySelectorAll(":scope > [data-block]")];
const speak = (text) => {
  const s = document.getElementById("say");
  if (s) s.textContent = text;
};

function send(id) {
  const at = items();
  const i = at.findIndex((el) => el.dataset.block === id);
  form().elements.id.value = id;
  form().elements.after.value = i > 0 ? at[i - 1].dataset.block : "";
  htmx.trigger(form(), "vt:move");
  speak(`${at[i].dataset.name}, ${form().dataset.position.replace("%1", i + 1).replace("%2", at.length)}`);
}

const made = new WeakSet(); // not an attribute: morphing takes those away and keeps the element
function sortable() {
  const el = list();
  if (!el || made.has(el)) return;
  made.add(el);
  Sortable.create(el, {
    handle: ".grip",
    draggable: "[data-block]",
    forceFallback: true,
    fallbackOnBody: true,
    fallbackTolerance: 4,
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    scroll: true,
    onEnd: (e) => {
      if (e.oldIndex !== e.newIndex) send(e.item.dataset.block);
    },
  });
}
sortable();
document.addEventListener("htmx:afterSettle", sortable);

// Move mode: Space picks a block up, arrows move it, Enter lets go, Escape puts it back.
let held = null;
let before = null;
document.addEventListener("keydown", (e) => {
  const go = e.target.closest?.(".blk__go");
  if (!go) return;
  const el = go.closest("[data-block]");
  if (e.key === " " && !held) {
    e.preventDefault();
    held = el;
    before = el.nextElementSibling;
    el.classList.add("is-held");
    speak(form().dataset.held.replace("%1", el.dataset.name));
  } else if (held === el && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    e.preventDefault();
    const at = items();
    const i = at.indexOf(el);
    const other = at[e.key === "ArrowUp" ? i - 1 : i + 1];
    if (!other) return;
    if (e.key === "ArrowUp") other.before(el);
    else other.after(el);
    go.focus();
    speak(`${el.dataset.name}, ${form().dataset.position.replace("%1", items().indexOf(el) + 1).replace("%2", at.length)}`);
  } else if (held === el && e.key === "Enter") {
    e.preventDefault();
    drop();
    send(el.dataset.block);
  } else if (held === el && (e.key === "Escape" || e.key === "Tab")) {
    if (e.key === "Escape") e.preventDefault();
    list().insertBefore(el, before);
    drop();
    go.focus();
    speak(form().dataset.back.replace("%1", el.dataset.name));
  }
});
function drop() {
  held.classList.remove("is-held");
  held = null;
}

// What was typed is sent before the page goes out of sight.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return;
  const f = document.activeElement?.closest?.("form[data-autosave]");
  if (f) f.requestSubmit();
});

// Undo by keys, where the browser's own undo of a field has nothing to say.
document.addEventListener("keydown", (e) => {
  if (!(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== "z" || e.target.matches?.("input, textarea, select")) return;
  const b = document.getElementById(e.shiftKey ? "redo" : "undo");
  if (b) {
    e.preventDefault();
    b.click();
  }
});

// What was chosen in the sheet is in the list now.
document.addEventListener("htmx:afterSwap", (e) => {
  const sheet = document.getElementById("sheet");
  if (e.detail.target?.id === "blocks" && sheet?.open) sheet.close();
});

// While two texts wait for a choice, leaving the field does not ask the same again: the answer would replace the
// button that is being pressed.
const asked = new WeakMap();
document.addEventListener("htmx:beforeRequest", (e) => {
  const f = e.detail.elt;
  if (!f.matches?.("form[data-autosave]")) return;
  const body = new URLSearchParams(new FormData(f)).toString();
  if (asked.get(f) === body && f.parentElement.querySelector(".clash")) e.preventDefault();
  asked.set(f, body);
});

// The draft has changed on another device: the list is fetched, unless a person is writing. Then it is told, and
// fetched when the block is closed.
const state = () => document.getElementById("save-state");
const newer = () => Number(document.getElementById("elsewhere")?.dataset.seq || 0) > Number(state()?.dataset.seq || 0);
let asking = "";
async function follow() {
  if (asking || !newer() || held || !navigator.onLine) return;
  if (document.querySelector("#builder .htmx-request")) return void setTimeout(follow, 400); // the answer may be what is new
  const open = document.getElementById("open")?.value || "";
  if (open && document.getElementById(`blk-${open}`)?.contains(document.activeElement)) {
    document.getElementById("builder").dataset.newer = "true";
    return;
  }
  asking = `/app/window/blocks?b=${open}`;
  try {
    await htmx.ajax("GET", asking, { source: "#blocks", target: "#blocks", swap: "morph:outerHTML" });
    delete document.getElementById("builder").dataset.newer;
  } finally {
    asking = "";
  }
}
// What was asked for before another block was opened would close that one.
document.addEventListener("htmx:beforeSwap", (e) => {
  if (!asking || e.detail.pathInfo?.requestPath !== asking) return;
  if (asking.endsWith(`?b=${document.getElementById("open")?.value || ""}`)) return;
  e.detail.shouldSwap = false;
  setTimeout(follow, 400);
});
// A list that is fetched by itself leaves a text that was not saved as it is, with the version that it was typed over:
// if another device was quicker, the server asks which of both stays.
const known = new WeakMap(); // what a form says, as the server knows it
const writing = () => document.querySelector("#blocks form[data-autosave]");
const says = (f) => {
  const body = new URLSearchParams(new FormData(f));
  body.delete("bv");
  return body.toString();
};
const drawn = () => writing() && known.set(writing(), says(writing()));
drawn();
let unsaved = null;
document.addEventListener("htmx:beforeSwap", (e) => {
  const f = writing();
  unsaved = null;
  if (e.detail.requestConfig?.elt?.id !== "blocks" || !f || !known.has(f) || says(f) === known.get(f)) return;
  const t = document.createElement("template"); // read, never shown: nothing in it runs, and htmx swaps the same answer in
  t.innerHTML = e.detail.serverResponse;
  const next = t.content.querySelector(`#${f.id}`);
  if (next && says(next) !== says(f)) unsaved = { id: f.id, bv: f.elements.bv.value, body: new URLSearchParams(says(f)) };
});
document.addEventListener("htmx:afterSwap", (e) => {
  if (e.detail.target?.id !== "blocks") return;
  const f = writing();
  if (!unsaved || f?.id !== unsaved.id) return drawn();
  fill(f, unsaved.body);
  f.elements.bv.value = unsaved.bv;
});
document.addEventListener("htmx:afterRequest", (e) => {
  const { elt, xhr, requestConfig } = e.detail;
  if (elt?.matches?.("form[data-autosave]") && xhr?.status === 200) known.set(elt, requestConfig.said);
});
document.addEventListener("htmx:beforeRequest", (e) => {
  if (e.detail.elt.matches?.("form[data-autosave]")) e.detail.requestConfig.said = says(e.detail.elt);
});
const elsewhere = document.getElementById("elsewhere");
if (elsewhere) new MutationObserver(() => setTimeout(follow, 400)).observe(elsewhere, { attributes: true, attributeFilter: ["data-seq"] });
document.addEventListener("focusout", () => setTimeout(follow, 400));
