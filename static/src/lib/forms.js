// fill writes texts and choices into the fields of a form, except into the one where a person is writing.
export function fill(form, body, except = document.activeElement) {
  for (const el of form?.elements ?? []) {
    if (!el.name || el.name === "bv" || el === except || !body.has(el.name)) continue;
    if (el.type === "checkbox" || el.type === "radio") el.checked = body.getAll(el.name).includes(el.value);
    else if (el.type !== "file") el.value = body.get(el.name);
  }
}
