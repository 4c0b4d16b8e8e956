// Pages work without this file. It adds what the components do, and looks again by itself.
import { initAll } from "./vendor/govuk-frontend.min.js";

initAll();

const LONGEST_WAIT_MS = 15000;

// A region that is looked at again until it says that it is final.
for (const region of document.querySelectorAll("[data-live]")) {
  const announcer = document.getElementById(region.dataset.announcer);
  let wait = Number(region.dataset.every || 2000);
  let said = region.dataset.said || "";
  const look = async () => {
    if (document.hidden) {
      document.addEventListener("visibilitychange", look, { once: true });
      return;
    }
    let isFinal = false;
    try {
      const response = await fetch(region.dataset.live, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        redirect: "error",
      });
      if (response.ok) {
        const state = await response.json();
        if (state.go) {
          window.location.assign(state.go);
          return;
        }
        const open = [...region.querySelectorAll("details[id]")].filter((d) => d.open).map((d) => d.id);
        if (state.html !== region.dataset.html) {
          region.innerHTML = state.html;
          region.dataset.html = state.html;
          for (const id of open) document.getElementById(id)?.setAttribute("open", "");
        }
        if (announcer && state.announcement && state.announcement !== said) {
          announcer.textContent = state.announcement;
          said = state.announcement;
        }
        isFinal = state.is_final;
        wait = Number(region.dataset.every || 2000);
      }
    } catch {
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
    if (!isFinal) setTimeout(look, wait);
  };
  setTimeout(look, wait);
}

// The mark is there only for those whom the script serves.
for (const element of document.querySelectorAll("[data-without-script]")) element.hidden = true;
