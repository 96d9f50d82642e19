// Files go straight to the bucket in parts, with progress, pause and resume, also after a reload. The server's
// side of it is app/files/http.go. Words come from data-words on the [data-upload] element.
const PARALLEL = 3;
let made = 0; // every button has an id, so that focus survives a swap

async function call(method, url, body) {
  const headers = { "HX-Request": "true", Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  const r = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const login = r.headers.get("HX-Redirect");
  if (login) location.assign(login);
  const answer = r.status === 204 ? {} : await r.json().catch(() => ({}));
  if (r.ok) return answer;
  const e = new Error(answer.error?.message || "");
  e.status = r.status;
  e.missing = answer.missing;
  e.final = r.status < 500 && r.status !== 429;
  throw e;
}

const pause = (ms) => new Promise((r) => setTimeout(r, ms));

class Upload {
  constructor(field, file) {
    this.field = field;
    this.file = file;
    this.words = JSON.parse(field.dataset.words || "{}");
    this.inFlight = new Map();
    const row = field.querySelector("[data-upload-template]").content.firstElementChild.cloneNode(true);
    this.row = row;
    row.querySelector("[data-upload-name-of]").textContent = file.name;
    row.querySelector("[data-upload-size-of]").textContent = size(file.size);
    this.bar = row.querySelector("progress");
    this.bar.max = 100;
    this.state = row.querySelector("[data-upload-state]");
    this.id = row.querySelector("[data-upload-id]");
    this.buttons = {};
    for (const k of ["pause", "resume", "stop"]) {
      this.buttons[k] = row.querySelector(`[data-upload-${k}]`);
      this.buttons[k].id = `upload-${k}-${++made}`;
      this.buttons[k].addEventListener("click", () => this[k]());
    }
    this.buttons.resume.hidden = true;
    const list = field.querySelector("[data-upload-list]");
    if (field.dataset.uploadMultiple === undefined) list.replaceChildren();
    list.append(row);
  }

  say(key, value) {
    this.state.textContent = (this.words[key] || key).replace("%1", value ?? "");
  }

  key() {
    return `vt-upload:${this.field.dataset.upload}:${this.file.name}:${this.file.size}:${this.file.lastModified}`;
  }

  // begin finds an upload of the same file that was begun before, or begins one.
  async begin() {
    try {
      const known = localStorage.getItem(this.key());
      if (known) {
        const f = await call("GET", `/app/files/${known}`).catch(() => null);
        if (f?.status === "uploading") this.plan = f;
      }
      this.plan ||= await call("POST", "/app/files", { purpose: this.field.dataset.upload, name: this.file.name, size: this.file.size });
      localStorage.setItem(this.key(), this.plan.id);
      document.getElementById(`file-${this.plan.id}`)?.remove(); // the row of before, when an upload goes on
      this.id.name = this.field.dataset.uploadName;
      this.id.value = this.plan.id;
      running.add(this);
      await this.run(new Set(this.plan.have));
    } catch (e) {
      this.fail(e);
    }
  }

  async run(have) {
    this.stopped = false;
    this.queue = [];
    this.sent = 0;
    for (let n = 1; n <= this.plan.parts; n++) {
      if (have.has(n)) this.sent += this.slice(n).size;
      else this.queue.push(n);
    }
    this.show();
    await Promise.all(Array.from({ length: PARALLEL }, () => this.worker()));
    if (!this.stopped) await this.complete();
  }

  slice(n) {
    const at = (n - 1) * this.plan.partSize;
    return this.file.slice(at, Math.min(at + this.plan.partSize, this.file.size));
  }

  show() {
    let n = this.sent;
    for (const x of this.inFlight.values()) n += x.loaded;
    const percent = Math.min(100, Math.floor((n / this.file.size) * 100));
    this.bar.value = percent;
    this.say("uploading", `${percent} %`);
  }

  async worker() {
    while (this.queue.length && !this.stopped) {
      const n = this.queue.shift();
      const blob = this.slice(n);
      for (let wait = 1000; ; wait = Math.min(wait * 2, 30000)) {
        try {
          const { urls } = await call("POST", `/app/files/${this.plan.id}/parts`, { numbers: [n] });
          await this.put(n, urls[0].url, blob);
          this.sent += blob.size;
          this.show();
          break;
        } catch (e) {
          this.inFlight.delete(n);
          if (this.stopped) return;
          if (e.final) throw e;
          this.say("waiting");
          await pause(wait);
        }
      }
    }
  }

  put(n, url, blob) {
    return new Promise((done, fail) => {
      const x = new XMLHttpRequest();
      const at = { loaded: 0, x };
      this.inFlight.set(n, at);
      x.upload.onprogress = (e) => {
        at.loaded = e.loaded;
        this.show();
      };
      x.onload = () => {
        this.inFlight.delete(n);
        if (x.status === 200) done();
        else fail(new Error(String(x.status)));
      };
      x.onerror = x.onabort = () => fail(new Error("network"));
      x.open("PUT", url);
      x.send(blob);
    });
  }

  async complete() {
    this.buttons.pause.hidden = this.buttons.stop.hidden = true;
    this.say("checking");
    try {
      await call("POST", `/app/files/${this.plan.id}/completion`);
    } catch (e) {
      if (!e.missing?.length) throw e;
      const missing = new Set(e.missing);
      await this.run(new Set(Array.from({ length: this.plan.parts }, (_, i) => i + 1).filter((n) => !missing.has(n))));
      return;
    }
    localStorage.removeItem(this.key());
    running.delete(this);
    for (let wait = 500; ; wait = Math.min(wait * 1.5, 4000)) {
      await pause(wait);
      const f = await call("GET", `/app/files/${this.plan.id}`);
      if (f.status === "checking") continue;
      this.end(f);
      return;
    }
  }

  end(f) {
    this.bar.hidden = true;
    if (f.status === "ready") this.say("ready");
    else {
      this.say("refused", f.reason);
      this.state.setAttribute("role", "alert");
      this.id.removeAttribute("name");
    }
    const preview = this.field.querySelector("[data-upload-preview]");
    if (preview && f.picture) {
      preview.src = f.picture.url;
      preview.hidden = false;
      for (const el of this.field.querySelectorAll("[data-upload-when-ready]")) el.hidden = false;
    }
  }

  pause() {
    this.stopped = true;
    for (const { x } of this.inFlight.values()) x.abort();
    this.inFlight.clear();
    this.buttons.pause.hidden = true;
    this.buttons.resume.hidden = false;
    this.buttons.resume.focus();
    this.say("paused");
  }

  async resume() {
    this.buttons.resume.hidden = true;
    this.buttons.pause.hidden = false;
    this.buttons.pause.focus();
    try {
      const f = await call("GET", `/app/files/${this.plan.id}`);
      await this.run(new Set(f.have));
    } catch (e) {
      this.fail(e);
    }
  }

  async stop() {
    this.stopped = true;
    for (const { x } of this.inFlight.values()) x.abort();
    localStorage.removeItem(this.key());
    running.delete(this);
    this.row.remove();
    if (this.plan) await call("DELETE", `/app/files/${this.plan.id}`).catch(() => {});
  }

  fail(e) {
    running.delete(this);
    this.buttons.pause.hidden = true;
    this.buttons.resume.hidden = Boolean(e.final) || !this.plan;
    this.state.setAttribute("role", "alert");
    if (e.message && e.final) this.state.textContent = e.message;
    else this.say("failed");
  }
}

function size(n) {
  const units = ["B", "kB", "MB", "GB"];
  let i = 0;
  while (n >= 1000 && i < 3) {
    n /= 1000;
    i++;
  }
  return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

const running = new Set();
window.addEventListener("beforeunload", (e) => {
  if (running.size) e.preventDefault();
});

document.addEventListener("change", (e) => {
  const input = e.target;
  const field = input.closest?.("[data-upload]");
  if (!field || input.type !== "file") return;
  const files = [...input.files];
  input.value = ""; // the bytes go the other way
  for (const f of files) new Upload(field, f).begin();
});
