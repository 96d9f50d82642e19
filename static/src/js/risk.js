// The review desk by keyboard. Every key is a link or a button on the page too; keys are asleep while a field has
// the focus, and with a modifier they belong to the browser.
const desk = document.querySelector("[data-risk]");
const cases = () => [...document.querySelectorAll("[data-risk-case]")];
const ways = { a: "approve", h: "hold", r: "refund", c: "close" };

const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

// at is the case of the list that has the focus, or -1.
const at = () => cases().findIndex((c) => c.contains(document.activeElement));

function focus(i) {
  const all = cases();
  const to = all[Math.min(Math.max(i, 0), all.length - 1)];
  to?.querySelector("[data-risk-link]")?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  if (desk.dataset.riskPage === "case") {
    document.querySelector(step > 0 ? "[data-risk-next]" : "[data-risk-prev]")?.click();
    return;
  }
  const now = at();
  focus(now < 0 ? (step > 0 ? 0 : cases().length - 1) : now + step);
}

// choose opens one way on and puts the focus into its reason; the person still has to write one and send it.
function choose(way) {
  if (desk.dataset.riskPage === "case") {
    const d = document.querySelector(`[data-risk-way="${way}"]`);
    if (!d) return;
    for (const other of document.querySelectorAll("[data-risk-way]")) other.open = other === d;
    (d.querySelector("select, input[name=reason]") || d.querySelector("summary")).focus();
    return;
  }
  const c = cases()[at()];
  if (c) location.assign(`${c.dataset.riskCase}?do=${way}`);
}

function help() {
  const d = document.querySelector("[data-risk-help]");
  if (!d) return;
  d.open = !d.open;
  d.querySelector("summary").focus();
}

document.addEventListener("keydown", (e) => {
  if (!desk || e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.repeat || typing(document.activeElement)) {
    if (e.key === "Escape" && typing(document.activeElement)) document.activeElement.blur();
    return;
  }
  const k = e.key.toLowerCase();
  if (k === "j") move(1);
  else if (k === "k") move(-1);
  else if (k === "o" && at() >= 0) location.assign(cases()[at()].dataset.riskCase);
  else if (k === "u") document.querySelector("[data-risk-up]")?.click();
  else if (k === "?") help();
  else if (ways[k]) choose(ways[k]);
  else return;
  e.preventDefault();
});

// A way that the address or a mistake has opened is where the person goes on: once the page stands, because going to
// the address's fragment takes the focus away.
function begin() {
  const open = document.querySelector("[data-risk-way][open]");
  (document.querySelector("[data-autofocus]") || open?.querySelector("select, input[name=reason]"))?.focus();
}
addEventListener("load", () => requestAnimationFrame(begin));
