// Before anything is painted: the theme and the language that were chosen here, or those of the system.
(() => {
  const root = document.documentElement;
  const theme = localStorage.getItem("sofa.theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = theme === "light" || theme === "dark" ? theme : dark ? "dark" : "light";
  const language = localStorage.getItem("sofa.language") ?? navigator.language;
  root.lang = language.startsWith("zh") ? "zh" : "en";
})();
