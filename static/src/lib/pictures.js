// Pictures of a block: what was chosen is shown at once, each with a field for what it shows, and how much of it has
// been sent. Without script the form is the same, with one such field.
const form = (e) => (e.target.matches?.("form[data-pictures]") ? e.target : e.target.closest?.("form[data-pictures]"));

function clear(f) {
  const [first, ...rest] = f.querySelectorAll("[data-picked]");
  for (const r of rest) r.remove();
  const img = first.querySelector("img");
  if (img.src) URL.revokeObjectURL(img.src);
  img.hidden = true;
  img.removeAttribute("src");
  return first;
}

function show(f, files) {
  const first = clear(f);
  files.forEach((file, i) => {
    const row = i ? first.cloneNode(true) : first;
    const img = row.querySelector("img");
    const field = row.querySelector("input");
    if (i) {
      field.value = "";
      row.querySelector("label").htmlFor = field.id += `-${i + 1}`;
      f.querySelector("progress").before(row);
    }
    img.src = URL.createObjectURL(file);
    img.hidden = false;
  });
}

export function pictures() {
  document.addEventListener("change", (e) => {
    if (e.target.type === "file" && form(e)) show(form(e), [...e.target.files]);
  });
  document.addEventListener("htmx:configRequest", (e) => {
    if (form(e)) e.detail.timeout = 30 * 60 * 1000; // a large picture on a slow line
  });
  document.addEventListener("htmx:xhr:progress", (e) => {
    const meter = form(e)?.querySelector("progress");
    if (!meter || !e.detail.lengthComputable) return;
    meter.hidden = false;
    meter.value = (e.detail.loaded / e.detail.total) * 100;
  });
  document.addEventListener("htmx:afterRequest", (e) => {
    const f = e.target.matches?.("form[data-pictures]") && e.target;
    if (!f) return;
    f.querySelector("progress").hidden = true;
    if (!e.detail.successful) return;
    clear(f);
    f.reset();
  });
}
