// The installed app: its worker, the strip for a new version, and the strip for no connection.
export function installed() {
  const offline = document.getElementById("offline");
  const net = () => {
    if (offline) offline.hidden = navigator.onLine;
  };
  window.addEventListener("online", net);
  window.addEventListener("offline", net);
  net();

  // A page that comes back from the browser's memory after signing out must not be shown.
  window.addEventListener("pageshow", async (e) => {
    if (!e.persisted || !document.querySelector('meta[name="uid"]')) return;
    const r = await fetch("/app/ping", { redirect: "manual" });
    if (!r.ok) location.reload();
  });

  if (!("serviceWorker" in navigator) || !document.querySelector('link[rel="manifest"]')) return;
  const strip = document.getElementById("update");
  const offer = (reg) => {
    if (!reg.waiting || !strip) return;
    strip.hidden = false;
    document.getElementById("update-now").onclick = () => reg.waiting.postMessage("skip");
  };
  navigator.serviceWorker.register("/app/sw.js", { scope: "/app/", updateViaCache: "none" }).then((reg) => {
    offer(reg);
    reg.addEventListener("updatefound", () => {
      const fresh = reg.installing;
      fresh.addEventListener("statechange", () => {
        if (fresh.state === "installed" && navigator.serviceWorker.controller) offer(reg);
      });
    });
    let last = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && Date.now() - last > 3600e3) {
        last = Date.now();
        reg.update();
      }
    });
  });
  let reloading = false;
  const controlled = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (!controlled || reloading || !navigator.serviceWorker.controller) return; // the first worker takes over in silence, signing out ends it
    reloading = true;
    location.reload();
  });
}
