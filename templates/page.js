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

  // A link where the page has an address that others can open; for a local file, the two places and the pair's id.
  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", () => {
      const id = button.dataset.id;
      const text = location.protocol.startsWith("http")
        ? location.href.split("#")[0] + "#" + id
        : button.dataset.places + " (#" + id + ")";
      const say = (words) => {
        button.textContent = words;
        setTimeout(() => { button.textContent = "copy link"; }, 2000);
      };
      location.hash = id;
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say("copied"), () => say("not allowed"));
      else say("not allowed");
    });
  }

  const pairs = Array.from(document.querySelectorAll("article.pair"));
  const help = document.getElementById("help");
  help.querySelector("button").addEventListener("click", () => help.close());
  // The findings of other kinds, then the pairs in the order of their list, as it is sorted now.
  const ordered = () => Array.from(document.querySelectorAll("section.kind article.pair")).concat(
    Array.from(document.querySelectorAll("table.pairs tbody a"))
      .map((link) => document.getElementById(link.hash.slice(1)))
      .filter((pair) => pair !== null && pair.matches("article.pair")));
  // Where the reader is: the focused pair, else the one that the address names, else the one at the top of the window.
  const here = (list) => {
    const focused = document.activeElement && document.activeElement.closest("article.pair");
    if (focused) return list.indexOf(focused);
    const row = document.activeElement && document.activeElement.closest("table.pairs tr");
    const link = row && row.querySelector("a");
    if (link) return list.indexOf(document.getElementById(link.hash.slice(1))) - 0.5;
    const top = pairs.filter((pair) => pair.getBoundingClientRect().top <= 40).pop();
    return top && top.getBoundingClientRect().bottom > 40 ? list.indexOf(top) : -1;
  };
  const go = (step) => {
    const list = ordered();
    if (!list.length) return;
    const from = here(list);
    const to = step > 0 ? Math.floor(from) + 1 : Math.ceil(from) - 1;
    const pair = list[Math.max(0, Math.min(list.length - 1, to))];
    history.replaceState(null, "", "#" + pair.id);
    pair.focus();
    pair.scrollIntoView();
  };
  const back = () => {
    if (document.activeElement) document.activeElement.blur();
    document.getElementById("kinds").scrollIntoView();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "u") back();
    else if (event.key === "f") folds.forEach(toggle);
    else if (event.key === "?") help.showModal();
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details:not(.numbers)").forEach((d) => { d.open = true; }));
})();
