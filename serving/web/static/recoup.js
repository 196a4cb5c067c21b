"use strict";
// Keyboard, undo countdown and sign-off warning. Every page works without this file; each key has a visible control (data-key).
(() => {
  const OFF = "recoup.keys";
  const isOn = () => localStorage.getItem(OFF) !== "off";
  const all = (selector) => [...document.querySelectorAll(selector)];

  function move(step) {
    const rows = all("[data-row]");
    if (!rows.length) return;
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, here + step));
    const link = rows[next].querySelector("[data-open]");
    link.focus();
    rows[next].scrollIntoView({ block: "nearest" });
  }

  function use(control) {
    const details = control.matches("details, summary") ? null : control.closest("details:not([open])");
    if (details) details.open = true;
    if (control.matches("details")) {
      control.open = true;
      control.querySelector("select, input:not([type=hidden]), textarea, button")?.focus();
    } else if (control.matches("input, select, textarea")) {
      control.focus();
    } else {
      control.click();
    }
  }

  function press(event) {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key === "Escape" && typing) return typing.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
    if (event.key === "j" || event.key === "k") {
      move(event.key === "j" ? 1 : -1);
    } else if (event.key === "o") {
      const row = document.activeElement?.closest("[data-row]");
      (row ?? document).querySelector("[data-open]")?.click();
    } else {
      const control = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (!control) return;
      use(control);
    }
    event.preventDefault();
  }

  function showSwitch() {
    for (const box of all("[data-keys-switch]")) {
      box.checked = isOn();
      box.closest("[hidden]")?.removeAttribute("hidden");
    }
  }

  function countDown() {
    for (const clock of all("[data-seconds]")) {
      if (clock.dataset.started) continue;
      clock.dataset.started = "yes";
      const end = Date.now() + 1000 * Number(clock.dataset.seconds);
      const tick = () => {
        const left = Math.ceil((end - Date.now()) / 1000);
        if (left <= 0) return clock.closest("form")?.remove();
        clock.textContent = `${left} s`;
        setTimeout(tick, 250);
      };
      tick();
    }
  }

  function watchSession() {
    const box = document.querySelector("[data-session-seconds]");
    if (!box) return;
    clearTimeout(watchSession.timer);
    box.hidden = true;
    const warn = 1000 * Math.max(5, Number(box.dataset.sessionSeconds) - 120);
    watchSession.timer = setTimeout(() => {
      box.hidden = false;
      box.querySelector("button, a")?.focus();
    }, warn);
  }

  // What was typed on the page stays; only where the session is over already it is lost, and the sign-in page says so.
  async function stay(form) {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" }).catch(() => null);
    if (answer === null) return showLost();
    if (answer.status !== 204) return location.assign(`/sign-in?lost=yes&next=${encodeURIComponent(location.pathname)}`);
    document.querySelector("[data-session-seconds]").dataset.sessionSeconds = answer.headers.get("session-seconds");
    watchSession();
    document.querySelector("main")?.focus();
  }

  function showLost() {
    const lost = document.querySelector("[data-lost]");
    if (lost) lost.hidden = false;
  }

  function ready() {
    showSwitch();
    countDown();
    watchSession();
    document.querySelector("[data-focus]")?.focus();
  }

  document.addEventListener("keydown", press);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys-switch]")) localStorage.setItem(OFF, event.target.checked ? "on" : "off");
    if (event.target.matches("[data-all]")) for (const box of all("[data-one]")) box.checked = event.target.checked;
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-stay]")) return;
    event.preventDefault();
    stay(event.target);
  });
  document.addEventListener("htmx:error", showLost);
  document.addEventListener("htmx:after:swap", ready);
  document.addEventListener("DOMContentLoaded", ready);
  // A page that the browser kept is asked for again: after signing off nothing of it is to be seen.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
