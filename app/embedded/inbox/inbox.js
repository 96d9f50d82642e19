// Redraws the list when a mail comes. Without this script a reload does it.
const mails = document.querySelector("[data-live]");
const redraw = async () => {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(mails.id);
  if (!fresh || fresh.innerHTML === mails.innerHTML) return;
  const focused = mails.contains(document.activeElement) ? document.activeElement.id : "";
  mails.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
};
const stream = new EventSource(mails.dataset.live);
stream.addEventListener("mail", redraw);
stream.addEventListener("open", redraw);
