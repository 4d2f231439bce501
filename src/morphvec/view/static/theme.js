// Runs before anything is drawn, so that a chosen theme does not flash.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("morphvec-theme");
  } catch {
    chosen = null; // storage may be forbidden; the system's theme then rules
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
