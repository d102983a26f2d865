// Keeps the page up to date, and sends its forms without leaving it. Without this
// script the forms and links work too.
"use strict";

const notice = document.getElementById("notice");
const pause = document.getElementById("pause");
let paused = false; // by the person who looks at it
let stale = false; // something has changed since what is shown
let busy = false;

async function fetched(address, options) {
  const response = await fetch(address, options);
  if (response.status === 401) location.reload(); // another start of wisesim: log in again
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// take puts what has changed in another copy of the page into this one, without
// closing what is open or moving who is in the middle of it.
function take(other) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = other.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.fresh) continue;
    const text = fresh.innerHTML;
    for (const open of part.querySelectorAll("details[open]")) {
      const same = fresh.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.replaceChildren(...fresh.childNodes);
    part.fresh = text;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

// load brings the page up to date. Of several under way only the one begun last
// counts: it knows where the page is now.
let begun = 0;
async function load() {
  const mine = ++begun;
  const other = await fetched(location.pathname + location.search);
  if (mine === begun) take(other);
}

async function refresh() {
  if (busy || paused || document.hidden) {
    stale = true;
    return;
  }
  busy = true;
  stale = false;
  try {
    await load();
  } catch {
    // wisesim has stopped. The events say when it is back.
  }
  setTimeout(() => {
    busy = false;
    if (stale) refresh();
  }, 400);
}

// send does what a form asks for. Of several at a time the one sent last has the word.
let sent = 0;
async function send(form) {
  const question = form.dataset.confirm;
  if (question && !confirm(question)) return;
  const mine = ++sent;
  const options = { method: "POST", body: new URLSearchParams(new FormData(form)) };
  try {
    const answer = await fetched(form.getAttribute("action"), options);
    const said = answer.getElementById("notice");
    if (!said.querySelector(".wrong") && form.matches("[aria-labelledby=add-user-heading]")) form.reset();
    if (mine === sent) notice.replaceChildren(...said.childNodes);
    await load();
  } catch {
    const text = document.createElement("p");
    text.className = "notice wrong";
    text.textContent = "wisesim doesn’t answer.";
    notice.replaceChildren(text);
  }
}

// go shows another part of what there is under an address of its own.
async function go(address) {
  history.pushState(null, "", address);
  try {
    await load();
  } catch {
    location.reload(); // the browser says what is wrong
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  event.preventDefault();
  // A form's own properties give way to fields of their names.
  if (form.getAttribute("method") === "post") {
    send(form);
    return;
  }
  const query = new URLSearchParams(location.search);
  query.delete("done");
  if (form.id === "filter") ["before", "user", "only"].forEach((name) => query.delete(name));
  for (const [name, value] of new FormData(form)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  go(form.getAttribute("action") + "?" + query);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#hide")) {
    event.preventDefault();
    notice.replaceChildren();
    return;
  }
  const link = event.target.closest("#older, #newest, #more-users");
  if (!link) return;
  event.preventDefault();
  go(link.href).then(() => {
    const heading = link.id === "more-users" ? "users-heading" : "requests-heading";
    document.getElementById(heading).focus();
  });
});

window.addEventListener("popstate", () => location.reload());
document.addEventListener("visibilitychange", () => {
  if (stale) refresh();
});

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  if (!paused) refresh();
});

new EventSource("/_sim/events").addEventListener("message", refresh);
