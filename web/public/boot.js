// Runs before the first paint, so that the page never flashes in another direction or
// theme than the person chose. Its key and rules are those of src/state/settings.ts.
(() => {
  const root = document.documentElement;
  let saved = {};
  try {
    saved = JSON.parse(localStorage.getItem("tarasul.settings") ?? "{}");
  } catch {
    // Storage refused or damaged: the defaults stand.
  }
  const language = ["ar", "en", "fr"].includes(saved.language) ? saved.language : "ar";
  root.lang = language;
  root.dir = language === "ar" ? "rtl" : "ltr";
  const dark = saved.theme === "dark" || (saved.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
})();
