// Swaps the parts of this page that have changed, whenever the service says that something has. The page
// works as well without it.
"use strict";
(() => {
  const AGES_MS = 10_000;
  const LEAST_MS = 1_000;
  const FOCUSABLE = "a, button, summary, input, select, textarea";
  const sign = document.getElementById("live");
  const parts = () => document.querySelectorAll("[data-live]");
  const given = new Map([...parts()].map((part) => [part.id, part.innerHTML]));
  let seen = document.body.dataset.seen;
  let stream = null;
  let latest = 0;
  let waiting = null;

  const say = (text, good) => {
    sign.textContent = text;
    sign.className = good ? "good" : "bad";
    sign.hidden = false;
  };

  // What a person has begun to fill in is left alone.
  const inUse = (part) =>
    [...part.querySelectorAll("input, select, textarea")].some((field) =>
      field.type !== "hidden" &&
      (field === document.activeElement ||
        field.checked !== field.defaultChecked ||
        (field.type !== "radio" && field.value !== field.defaultValue)));

  const swap = (part, fresh) => {
    const opened = new Map([...part.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    const place = [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    given.set(part.id, fresh.innerHTML);
    part.className = fresh.className;
    part.replaceChildren(...fresh.childNodes);
    for (const one of part.querySelectorAll("details[id]")) {
      if (opened.has(one.id)) one.open = opened.get(one.id);
    }
    if (place >= 0) part.querySelectorAll(FOCUSABLE)[place]?.focus({ preventScroll: true });
  };

  const take = (page) => {
    let held = false;
    for (const part of parts()) {
      const fresh = page.getElementById(part.id);
      if (fresh === null || fresh.innerHTML === given.get(part.id)) continue;
      if (inUse(part)) held = true;
      else swap(part, fresh);
    }
    seen = page.body.dataset.seen;
    say(held ? "Live, but waits while you type" : "Live", !held);
  };

  const refresh = async () => {
    waiting = null;
    latest = Date.now();
    try {
      const reply = await fetch(location.href, { headers: { "Hedge-Live": "1" } });
      if (reply.redirected || !reply.ok) say("Not live: load the page again", false);
      else take(new DOMParser().parseFromString(await reply.text(), "text/html"));
    } catch {
      say("Not live: the service does not answer", false);
    }
  };

  const soon = () => {
    waiting ??= setTimeout(refresh, Math.max(latest + LEAST_MS - Date.now(), 0));
  };

  const connect = () => {
    stream = new EventSource("/ops/live");
    stream.onopen = () => say("Live", true);
    stream.onmessage = (event) => {
      if (event.data !== seen) soon();
    };
    stream.addEventListener("ended", () => {
      stream.close();
      say("Logged out: load the page again", false);
    });
    stream.onerror = () => say("Not live: trying again", false);
  };

  const follow = () => {
    stream?.close();
    // Browsers keep few connections to one host: pages that nobody sees give theirs up.
    if (document.visibilityState === "visible") connect();
  };

  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => stream?.close());
  follow();
  if (document.querySelector("[data-ages]") !== null) {
    setInterval(() => {
      if (stream?.readyState === EventSource.OPEN && document.visibilityState === "visible") soon();
    }, AGES_MS);
  }
})();
