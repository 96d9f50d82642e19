// What every page with script shares: htmx, live streams, toasts, focus, and the installed app.
import htmx from "htmx.org/dist/htmx.esm.js";
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";
import { live } from "../lib/live.js";
import { toasts } from "../lib/toasts.js";
import { installed } from "../lib/installed.js";
import { signingOut, waiting } from "../lib/outbox.js";

window.htmx = htmx;
Idiomorph.defaults.ignoreActiveValue = true; // what a person is typing is never overwritten

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style.startsWith("morph"),
  handleSwap(style, target, fragment) {
    if (!style.startsWith("morph")) return false;
    const inner = style === "morph:innerHTML";
    return Idiomorph.morph(target, fragment.children, { morphStyle: inner ? "innerHTML" : "outerHTML" });
  },
});

// Every write names itself, so that a repeated one is recognised.
document.addEventListener("htmx:configRequest", (e) => {
  if (e.detail.verb !== "get") e.detail.headers["Idempotency-Key"] = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
});

// After a swap the focus goes where the answer asks for it: a new field, or the summary of what was wrong.
document.addEventListener("htmx:afterSettle", (e) => {
  const el = e.detail.elt;
  const to = el.matches?.("[data-autofocus]") ? el : el.querySelector?.("[data-autofocus]");
  if (to) {
    to.focus({ preventScroll: false });
    to.removeAttribute("data-autofocus");
  }
});
document.querySelector("[data-autofocus]")?.focus();

const say = document.getElementById("say");
document.addEventListener("say", (e) => {
  if (say) say.textContent = e.detail.value || e.detail.text || "";
});

// A plain form says for which person and shop its page was made: in another tab somebody else may be at work now.
document.addEventListener("submit", (e) => {
  const tag = document.querySelector("meta[name=uid]")?.content;
  const form = e.target;
  if (!tag || form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("hx-patch")) return;
  const by = e.submitter?.hasAttribute("formaction") ? e.submitter : form;
  const attribute = by === form ? "action" : "formaction";
  const url = new URL(by.getAttribute(attribute) ?? "", location);
  if (url.origin !== location.origin) return;
  url.searchParams.set("for", tag);
  by.setAttribute(attribute, url.pathname + url.search);
});

// A field for a code sends its form with the last digit.
document.addEventListener("input", (e) => {
  const n = Number(e.target.dataset?.autosubmit);
  if (n && e.target.value.replace(/\D/g, "").length === n) e.target.form.requestSubmit();
});

// Passwords can be shown.
for (const b of document.querySelectorAll("[data-shows]")) {
  b.hidden = false;
  b.addEventListener("click", () => {
    const f = document.getElementById(b.dataset.shows);
    const shown = f.type === "text";
    f.type = shown ? "password" : "text";
    b.textContent = shown ? b.dataset.show : b.dataset.hide;
  });
}

// Buttons that copy a text.
document.addEventListener("click", async (e) => {
  const b = e.target.closest?.("[data-copy]");
  if (!b) return;
  await navigator.clipboard.writeText(b.dataset.copy);
  if (b.dataset.copied) toasts.show({ text: b.dataset.copied });
});

// Buttons that hand an address to other apps, where the browser can.
for (const b of document.querySelectorAll("[data-share]")) b.hidden = !navigator.share;
document.addEventListener("click", (e) => {
  const b = e.target.closest?.("[data-share]");
  if (b) navigator.share({ url: b.dataset.share }).catch(() => {}); // closing the sheet is no fault
  if (e.target.closest?.("[data-print]")) print();
});

// A sheet is a dialog that opens when it has been filled, and closes on its own close button.
document.addEventListener("htmx:afterSwap", (e) => {
  const d = e.detail.target;
  if (d instanceof HTMLDialogElement && !d.open && d.childElementCount) d.showModal();
});
document.addEventListener("click", (e) => {
  const d = e.target.closest?.("dialog");
  if (d && (e.target === d || e.target.closest("[data-close]"))) {
    e.preventDefault();
    d.close();
  }
});

toasts.start(htmx);
live(htmx);
installed();
waiting(toasts);
signingOut();
