// Light or dark: what was chosen, otherwise what the system has. Runs before anything is drawn, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("morphvec-theme");
  } catch {
    chosen = null; // storage may be forbidden; the system's theme then rules
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const turn = () => {
    root.dataset.shade = root.dataset.theme ?? (system.matches ? "dark" : "light");
  };
  turn();
  addEventListener("theme", turn);
  system.addEventListener("change", () => dispatchEvent(new Event("theme")));
})();
