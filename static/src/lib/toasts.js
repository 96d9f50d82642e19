// Sentences that come and go at the foot of the page, with one thing to do.
const box = () => document.getElementById("toasts");

function show({ text, action, run, ms = 10000 }) {
  const b = box();
  if (!b) return;
  b.replaceChildren();
  const t = document.createElement("div");
  t.className = "toast";
  t.setAttribute("role", "status");
  const s = document.createElement("span");
  s.textContent = text;
  t.append(s);
  if (action) {
    const a = document.createElement("button");
    a.type = "button";
    a.id = "toast-action";
    a.textContent = action;
    a.addEventListener("click", () => {
      t.remove();
      run();
    });
    t.append(a);
  }
  b.append(t);
  setTimeout(() => t.remove(), ms);
}

export const toasts = {
  show,
  start(htmx) {
    // HX-Trigger: {"toast": {"text": …, "undo": "/…"}}
    document.addEventListener("toast", (e) => {
      const { text, undo } = e.detail;
      const target = e.target.closest?.("[data-undo-target]")?.dataset.undoTarget || "#blocks";
      const run = () => htmx.ajax("POST", undo, { target, swap: "morph:outerHTML" });
      show({ text, action: undo && box()?.dataset.undo, run });
    });
    const again = (e) => () => {
      const { elt, requestConfig } = e.detail;
      htmx.ajax(requestConfig.verb.toUpperCase(), requestConfig.path, { source: elt, target: e.detail.target, values: requestConfig.parameters });
    };
    document.addEventListener("htmx:sendError", (e) => show({ text: box()?.dataset.failed, action: box()?.dataset.retry, run: again(e), ms: 30000 }));
    document.addEventListener("htmx:timeout", (e) => show({ text: box()?.dataset.failed, action: box()?.dataset.retry, run: again(e), ms: 30000 }));
    document.addEventListener("htmx:responseError", (e) => {
      const told = e.detail.xhr.getResponseHeader("HX-Trigger");
      if (!told) show({ text: box()?.dataset.broken, action: box()?.dataset.retry, run: again(e) });
    });
  },
};
