// Shows a column of the board where this script stands. See docs/columns.md.
(function (column) {
  "use strict";
  var script = document.currentScript;
  if (!script || !script.parentNode) return;
  var english = /^en\b/i.test(document.documentElement.lang);
  var words = english ? column.en : column.zh;
  var shown;
  if (column.origins.indexOf(location.origin) >= 0) {
    shown = document.createElement("iframe");
    shown.src = column.page + "?embed=1";
    shown.title = words.title;
    shown.loading = "lazy";
    shown.style.cssText = "display:block;width:100%;height:25rem;max-width:40rem;border:0";
  } else {
    shown = document.createElement("a");
    shown.href = column.page;
    shown.textContent = words.link;
  }
  script.parentNode.insertBefore(shown, script);
})(/*column*/);
