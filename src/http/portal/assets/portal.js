// What pages do beside showing: the arrow keys walk through the rows of a list, a page of what goes on looks again by
// itself, a session that is about to end says so, and a log says what is new without moving what is read. Every page works
// without it.
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

  const idle = document.getElementById("idle");
  const seconds = idle ? Number(idle.dataset.seconds) : 0;
  if (seconds > 0) {
    const warning = Math.max(seconds - 120, seconds / 2);
    setTimeout(function () { idle.hidden = false; }, warning * 1000);
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
