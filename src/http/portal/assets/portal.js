// What pages do beside showing: the arrow keys walk through the rows of a list, a page of what goes on looks again by
// itself, a session that is about to end says so and its page makes room for signing in, what was not sent then is there again
// afterwards, and a log says what is new without moving what is read. Every page works without it.
"use strict";

(function () {
  const table = document.querySelector("table[data-rows]");
  const links = table ? Array.from(table.querySelectorAll("tbody a")) : [];
  if (table) {
    document.addEventListener("keydown", function (event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        return;
      }
      const at = links.indexOf(document.activeElement);
      const to = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
      if (to) {
        to.focus();
        event.preventDefault();
      }
    });
  }

  const glance = document.querySelector("[data-looks-again]");
  if (glance) {
    // It is no use of the session, which ends as if nobody were there; then the page that asks who it is comes.
    setInterval(function () {
      if (document.hidden || glance.contains(document.activeElement)) {
        return;
      }
      fetch(location.href, { headers: { "docaxis-looks-again": "1" } }).then(function (answer) {
        if (answer.redirected) {
          location.reload();
          return "";
        }
        // A hub that cannot answer now is asked again at the next look; what is shown stays.
        return answer.ok ? answer.text() : "";
      }).then(function (text) {
        const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-looks-again]");
        if (fresh) {
          glance.replaceChildren(...fresh.childNodes);
        }
      }).catch(function () { /* The next look tries again. */ });
    }, Number(glance.dataset.looksAgain) * 1000);
  }

  // What was entered and not sent outlives the end of a session: in this tab only, for the same person and the same form.
  const DRAFT = "docaxis-draft";
  const DRAFT_MAX_MS = 12 * 3600 * 1000;
  const person = document.body.dataset.person;
  const idle = document.getElementById("idle");
  const idleLink = idle ? idle.querySelector("a") : null;

  function forms() {
    return Array.from(document.querySelectorAll("main form")).filter((form) => form.method === "post");
  }

  // What a form is for: where it goes, about what, and what its buttons say.
  function keyOf(form) {
    const fixed = Array.from(form.elements).filter((one) => one.name !== "form_token" && /^(hidden|submit)$/.test(one.type));
    return JSON.stringify([form.getAttribute("action"), fixed.map((one) => [one.name, one.value])]);
  }

  function fieldsOf(form) {
    const secret = /^(hidden|password|file|submit|button)$/;
    return Array.from(form.elements).filter((one) => one.name && !secret.test(one.type) && one.autocomplete !== "one-time-code");
  }

  function isTicked(field) {
    return field.type === "checkbox" || field.type === "radio";
  }

  function isUntouched(field) {
    if (isTicked(field)) {
      return field.checked === field.defaultChecked;
    }
    if (field.options) {
      return Array.from(field.options).every((one) => one.selected === one.defaultSelected);
    }
    return field.value === field.defaultValue;
  }

  function readDraft() {
    try {
      return JSON.parse(sessionStorage.getItem(DRAFT));
    } catch {
      return null;
    }
  }

  function writeDraft(draft) {
    try {
      if (draft) {
        sessionStorage.setItem(DRAFT, JSON.stringify(draft));
      } else {
        sessionStorage.removeItem(DRAFT);
      }
    } catch {
      // A browser that keeps nothing: then nothing is kept.
    }
  }

  function noteDraft(state) {
    const kept = [];
    forms().forEach(function (form) {
      fieldsOf(form).filter((field) => !isUntouched(field)).forEach(function (field) {
        const ticked = isTicked(field);
        kept.push({ form: keyOf(form), name: field.name, tick: ticked ? field.value : null, text: ticked ? field.checked : field.value });
      });
    });
    writeDraft(kept.length > 0 ? { person: person, at: Date.now(), state: state, kept: kept } : null);
  }

  function restoreDraft(draft) {
    const all = forms();
    let count = 0;
    draft.kept.forEach(function (one) {
      const form = all.find((form) => keyOf(form) === one.form);
      const field = form && fieldsOf(form).find(function (field) {
        return field.name === one.name && (isTicked(field) ? field.value === one.tick : one.tick === null);
      });
      if (!field) {
        return;
      }
      if (isTicked(field)) {
        field.checked = one.text;
      } else {
        field.value = one.text;
      }
      count += 1;
    });
    if (count > 0) {
      document.getElementById(draft.state === "sent" ? "perhaps-sent" : "kept").hidden = false;
      noteDraft("entered");
    }
    return count > 0;
  }

  const draft = readDraft();
  if (draft && !person) {
    // Whoever is asked who it is has no session any more, whether it came to its end or a form was sent after it.
    writeDraft(Object.assign(draft, { state: "kept" }));
  } else if (draft) {
    const navigation = performance.getEntriesByType("navigation")[0];
    const isBack = Boolean(navigation) && navigation.type === "back_forward";
    const isOwn = draft.person === person && Date.now() - draft.at <= DRAFT_MAX_MS;
    const isRestored = isOwn && (draft.state === "kept" || isBack) && restoreDraft(draft);
    // What was kept waits for the page with its form.
    if (!isRestored && !(isOwn && draft.state === "kept")) {
      writeDraft(null);
    }
  }

  // Signing out leaves nothing behind in any tab.
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("docaxis") : null;
  if (tabs) {
    tabs.onmessage = function () { writeDraft(null); };
  }

  let usedAt = Date.now();
  let idleSeconds = 0;
  let ending = [];

  // What a page asks by itself keeps no session: only people's doing does.
  function ask(isUse) {
    return fetch("/portal/account", { redirect: "manual", headers: isUse ? {} : { "docaxis-looks-again": "1" } });
  }

  function toSignIn() {
    // What is shown this once stays until it is copied.
    if (!document.querySelector("[data-shown-once]")) {
      location.assign("/portal/sign-in?next=" + encodeURIComponent(idleLink.getAttribute("href")));
    }
  }

  async function goOn(answer) {
    if (answer.type === "opaqueredirect") {
      toSignIn();
      return;
    }
    const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const fresh = page ? page.getElementById("idle") : null;
    if (!fresh) {
      again();
    } else if (page.body.dataset.person !== person) {
      // Somebody else signed in, in another tab.
      toSignIn();
    } else {
      // Whoever signed in anew in another tab has a new token for forms.
      const token = page.querySelector("input[name=form_token]");
      document.querySelectorAll("input[name=form_token]").forEach(function (one) { one.value = token.value; });
      awaitEnd(Number(fresh.dataset.seconds));
    }
  }

  // A hub that cannot be reached may be back in a minute.
  function again() {
    ending.push(setTimeout(end, 60 * 1000));
  }

  function end() {
    ask(false).then(goOn).catch(again);
  }

  function awaitEnd(seconds) {
    ending.forEach(clearTimeout);
    idleSeconds = seconds;
    idle.hidden = true;
    const warning = Math.max(seconds - 120, seconds / 2);
    ending = [setTimeout(function () { idle.hidden = false; }, warning * 1000), setTimeout(end, (seconds + 1) * 1000)];
  }

  function goOnByUse() {
    usedAt = Date.now();
    return ask(true).then(goOn).catch(again);
  }

  if (idle && Number(idle.dataset.seconds) > 0) {
    awaitEnd(Number(idle.dataset.seconds));
    let last = document.getElementById("content");
    idleLink.addEventListener("click", function (event) {
      event.preventDefault();
      // Whoever was writing goes on writing.
      last.focus();
      goOnByUse();
    });
    document.addEventListener("input", function (event) {
      if (event.target.form && forms().includes(event.target.form)) {
        last = event.target;
        noteDraft("entered");
      }
      // Whoever writes is there.
      if (Date.now() - usedAt > idleSeconds * 1000 / 3) {
        goOnByUse();
      }
    });
    document.addEventListener("submit", function (event) {
      if (forms().includes(event.target)) {
        noteDraft("sent");
      } else if (event.target.getAttribute("action") === "/portal/sign-out") {
        writeDraft(null);
        if (tabs) {
          tabs.postMessage("signed-out");
        }
      }
    });
  }

  const news = document.getElementById("news");
  if (news) {
    const asking = setInterval(async function () {
      try {
        const answer = await fetch(news.dataset.ask, { redirect: "manual" });
        if (answer.type === "opaqueredirect") {
          // The session is over: the page stays as it is.
          clearInterval(asking);
          return;
        }
        if (!answer.ok) {
          return;
        }
        const said = await answer.json();
        if (said.new > 0) {
          news.firstElementChild.textContent = said.text;
          news.hidden = false;
        }
      } catch {
        // The hub cannot be reached: the next time it may be.
      }
    }, Number(news.dataset.seconds) * 1000);
  }
})();
