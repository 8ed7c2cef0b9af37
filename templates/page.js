"use strict";
(function () {
  const root = document.documentElement;
  root.classList.add("js");

  // Sortable tables: numbers by data-value, everything else by its text.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending" ||
          (!head.hasAttribute("aria-sort") && head.classList.contains("number"));
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const sign = descending ? -1 : 1;
        const rows = Array.from(table.tBodies[0].rows);
        rows.sort((a, b) => {
          const x = value(a, column), y = value(b, column);
          return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
        });
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Folded runs of unchanged lines.
  const toggle = (button) => {
    const body = button.closest("tbody").nextElementSibling;
    const open = body.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  };
  const folds = Array.from(document.querySelectorAll("button.unfold"));
  for (const button of folds) {
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => toggle(button));
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", () => {
      const link = location.href.split("#")[0] + "#" + button.dataset.id;
      const done = () => { button.textContent = "copied"; };
      if (navigator.clipboard) navigator.clipboard.writeText(link).then(done, () => { location.hash = button.dataset.id; });
      else location.hash = button.dataset.id;
    });
  }

  const pairs = Array.from(document.querySelectorAll("article.pair"));
  const help = document.getElementById("help");
  help.querySelector("button").addEventListener("click", () => help.close());
  let current = -1;
  const go = (step) => {
    if (!pairs.length) return;
    const inside = pairs.indexOf(document.activeElement && document.activeElement.closest("article.pair"));
    if (inside >= 0) current = inside;
    current = Math.max(0, Math.min(pairs.length - 1, current + step));
    pairs[current].focus();
    pairs[current].scrollIntoView();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "u") document.getElementById("pairs").scrollIntoView();
    else if (event.key === "f") folds.forEach(toggle);
    else if (event.key === "?") help.showModal();
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
})();
