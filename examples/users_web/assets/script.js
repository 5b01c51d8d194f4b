// Two small things that a page cannot do by itself; without them it is loaded again instead.
"use strict";

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The bar of a report that is under way.
async function watch(live) {
  const [state, bar, percent, message] = ["state", "bar", "percent", "message"].map((name) => document.getElementById("report-" + name));
  for (;;) {
    try {
      const answer = await fetch(live.dataset.watch);
      if (answer.status === 404) return location.reload();
      if (answer.ok) {
        const look = await answer.json();
        if (look.finished) return location.reload();
        if (state.textContent !== look.state) state.textContent = look.state;
        bar.value = look.percent;
        bar.textContent = percent.textContent = look.percent + " %";
        message.textContent = look.message;
      }
    } catch {
      state.textContent = "The server does not answer; trying again";
      await wait(2000);
    }
    await wait(300);
  }
}

// A part of a page that is looked at again, while somebody wants that and sees it.
async function refresh(part) {
  const wanted = document.getElementById("refresh");
  for (;;) {
    await wait(1000);
    if (document.hidden || !wanted.checked) continue;
    try {
      const answer = await fetch(part.dataset.refresh);
      const text = answer.ok && (await answer.text());
      // Nobody's focus is taken away.
      if (text && !part.contains(document.activeElement)) part.innerHTML = text;
    } catch {
      await wait(2000);
    }
  }
}

document.querySelectorAll("[data-watch]").forEach(watch);
document.querySelectorAll("[data-refresh]").forEach(refresh);
