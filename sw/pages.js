// What was last seen, for when there is no connection: pages and fragments that the server allows to be kept, in
// caches of their own for each person. Another person empties them.
const KINDS = { pages: 3000, frag: 2000 }; // how long the network may take before what was last seen is shown
const MOST = 40;
const AGE = 3 * 24 * 3600e3;

const LOOSE = /^\/app\/window(\/add)?$/; // what follows only says what is open, or where to add

const kinds = (name) => Object.keys(KINDS).some((k) => name.startsWith(`${k}-`));

// era changes with the person; what was asked for in an earlier one is not kept any more.
let era = 0;

async function becomes(person) {
  if ((await fact("person")) === person) return;
  era++;
  await setFact("person", person);
  for (const name of await caches.keys()) if (kinds(name) && !name.endsWith(`-${person}`)) await caches.delete(name);
}

async function forget() {
  era++;
  await setFact("person", "");
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
}

// keep stores an answer if the server says so, and nothing else. Browsers take cookies out before.
async function keep(kind, url, answer, begun) {
  const person = answer.headers.get("X-Person");
  if (answer.status !== 200 || answer.redirected || answer.headers.get("X-Offline") !== "ok" || !person || begun !== era) return;
  if (kind === "pages") await becomes(person);
  else if ((await fact("person")) !== person) return;
  begun = era;
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  headers.set("X-Kept", String(Date.now()));
  if (kind === "pages" && LOOSE.test(new URL(url).pathname) && url.includes("?")) return;
  const body = await answer.text();
  const cache = await caches.open(`${kind}-${person}`);
  if (begun !== era) return;
  await cache.delete(url);
  await cache.put(url, new Response(body, { headers }));
  const all = await cache.keys();
  for (const old of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(old);
  if (begun !== era) await caches.delete(`${kind}-${person}`); // someone has signed out meanwhile
}

// lastSeen is the kept answer for an address.
async function lastSeen(kind, url) {
  const person = await fact("person");
  if (!person || !(await caches.has(`${kind}-${person}`))) return null;
  const cache = await caches.open(`${kind}-${person}`);
  const hit = (await cache.match(url)) ?? (LOOSE.test(new URL(url).pathname) ? await cache.match(url.split("?")[0]) : null);
  if (!hit || Date.now() - Number(hit.headers.get("X-Kept")) > AGE) return null;
  const headers = new Headers(hit.headers);
  headers.set("X-From", "cache");
  let body = await hit.text();
  if (kind === "pages") body = body.replace("<html ", "<html data-offline "); // shows the hour that the page names
  return new Response(body, { headers });
}

// fresh asks the network first, and shows what was last seen when that has no answer in time.
async function fresh(kind, event, request) {
  const begun = era;
  const live = fetch(request);
  event.waitUntil(live.then((r) => keep(kind, request.url.split("#")[0], r.clone(), begun)).catch(() => {}));
  const late = new Promise((done) => setTimeout(done, KINDS[kind]));
  const answer = await Promise.race([live, late]).catch(() => null);
  if (answer) return answer;
  return (await lastSeen(kind, request.url.split("#")[0])) ?? live;
}

// warm fetches fragments that a page will want without a connection.
async function warm(person, urls) {
  const cache = await caches.open(`frag-${person}`);
  for (const url of urls) {
    const have = await cache.match(new URL(url, location.origin).href);
    if (have && Date.now() - Number(have.headers.get("X-Kept")) < 600e3) continue;
    if ((await fact("person")) !== person) return;
    const begun = era;
    const page = url.endsWith("#page");
    const headers = page ? {} : { "HX-Request": "true", "X-Person": person };
    const answer = await fetch(url.split("#")[0], { headers }).catch(() => null);
    if (!answer || answer.status >= 400) return;
    await keep(page ? "pages" : "frag", new URL(url.split("#")[0], location.origin).href, answer, begun);
  }
}
