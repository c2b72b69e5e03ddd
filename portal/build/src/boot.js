// Wakes the islands of a page. A page without JavaScript never misses this file.
import init, * as islands from "GLUE";

const pending = document.querySelectorAll("leptos-island");
if (pending.length > 0) {
  await init({ module_or_path: new URL("WASM", import.meta.url) });
  islands.hydrate();
  for (const island of pending) {
    const wake = islands[island.dataset.component];
    if (wake) await wake(island);
    else console.warn(`No island called ${island.dataset.component} in this build; reload the page.`);
  }
}
document.documentElement.classList.add("js");
