// One event stream a page: <main data-live="/app/live">. Each event carries a ready fragment, swapped by the
// ids in it. The stream closes when nobody looks, and the page fetches itself afresh when someone looks again.
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";

export function live(htmx) {
  const root = document.querySelector("[data-live]");
  if (!root || !window.EventSource) return;
  let source = null;
  let wait = 1000;
  let seen = false;

  const put = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html;
    for (const el of [...t.content.children]) {
      const have = el.id && document.getElementById(el.id);
      if (have) {
        Idiomorph.morph(have, el, { morphStyle: "outerHTML" });
        const now = document.getElementById(el.id);
        if (now) htmx.process(now);
      }
    }
  };
  const refetch = async () => {
    const r = await fetch(root.dataset.live + "/now", { headers: { "HX-Request": "true" } });
    if (r.ok) put(await r.text());
  };
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(root.dataset.live);
    source.onopen = () => {
      root.dataset.liveState = "open";
      wait = 1000;
      if (seen) refetch().catch(() => {});
      seen = true;
    };
    source.onerror = () => {
      close();
      root.dataset.liveState = "waiting";
      setTimeout(open, wait + Math.random() * 500);
      wait = Math.min(wait * 2, 30000);
    };
    source.addEventListener("part", (e) => put(e.data));
    source.addEventListener("resync", () => refetch().catch(() => {}));
  };
  const close = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      root.dataset.liveState = "closed";
    } else {
      open();
    }
  });
  window.addEventListener("pagehide", close);
  open();
}
