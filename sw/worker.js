// The creator app's service worker. It keeps the shell (styles, scripts, fonts, icons) and the offline page,
// and nothing that belongs to a person. BUILD and SHELL are put in by the server.
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
      for (const key of await caches.keys()) if (key !== CACHE) await caches.delete(key);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (e) => {
  if (e.data === "skip") self.skipWaiting();
  if (e.data === "purge") e.waitUntil(purge());
});

// After signing out only the shell is left, as it was installed.
async function purge() {
  for (const key of await caches.keys()) if (key !== CACHE) await caches.delete(key);
}

self.addEventListener("fetch", (e) => {
  const r = e.request;
  const url = new URL(r.url);
  if (r.method !== "GET" || url.origin !== location.origin) return;
  if (SHELL.includes(url.pathname)) {
    e.respondWith(caches.match(r.url, { cacheName: CACHE }).then((hit) => hit || fetch(r)));
    return;
  }
  // Pages come from the network alone. Without one there is a page that says so.
  if (r.mode === "navigate") e.respondWith(fetch(r).catch(() => caches.match(OFFLINE, { cacheName: CACHE })));
});
