// The theme is set before the first paint. A file of its own, as the content policy allows no inline script.
(function () {
  var kept = null;
  try { kept = localStorage.getItem("theme"); } catch (_) { kept = null; }
  var dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
