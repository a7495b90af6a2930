"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const theme = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  const tellTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tellTheme();
  });
  prefersDark.addEventListener("change", tellTheme);
  tellTheme();

  const key = (cell) => {
    if (cell.matches(".number, .rank")) {
      return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
    }
    return cell.textContent.trim().toLowerCase();
  };
  const sort = (table, head) => {
    const order = head.getAttribute("aria-sort");
    const down = order ? order === "ascending" : head.dataset.first === "descending";
    const body = table.tBodies[0];
    const at = head.cellIndex;
    const rows = [...body.rows].map((row, place) => ({ row, place, key: key(row.cells[at]) }));
    rows.sort((a, b) => {
      if (a.key === null || b.key === null) {
        return (a.key === null) - (b.key === null) || a.place - b.place;
      }
      const sign = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
      return (down ? -sign : sign) || a.place - b.place;
    });
    for (const other of all("th[aria-sort]", table)) {
      other.removeAttribute("aria-sort");
    }
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows.map((each) => each.row));
  };
  for (const table of all("table.sortable")) {
    for (const head of all("th[data-first]", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }

  for (const board of all(".board")) {
    const words = board.querySelector("input[type=search]");
    const badges = all("input[type=checkbox]", board);
    const rows = [...board.querySelector("tbody").rows];
    const texts = new Map(rows.map((row) => [row, row.cells[1].textContent.toLowerCase()]));
    const tell = board.querySelector("output");
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const hidden = new Set(badges.filter((box) => !box.checked).map((box) => box.value));
      let shown = 0;
      for (const row of rows) {
        row.hidden = hidden.has(row.dataset.badge) || !wanted.every((word) => texts.get(row).includes(word));
        shown += !row.hidden;
      }
      const many = rows.length === 1 ? "model" : "models";
      tell.textContent = shown === rows.length ? `${shown} ${many}` : `${shown} of ${rows.length} ${many}`;
    };
    words.addEventListener("input", filter);
    badges.forEach((box) => box.addEventListener("change", filter));
    filter();
  }

  let marked = [];
  const mark = (number) => {
    marked.forEach((part) => part.classList.remove("on"));
    marked = number === undefined ? [] : all(`[data-m="${number}"]`);
    marked.forEach((part) => part.classList.add("on"));
    document.body.classList.toggle("focus", marked.length > 0);
  };
  document.addEventListener("pointerover", (event) => {
    const part = event.target.closest("[data-m]");
    mark(part ? part.dataset.m : undefined);
  });
  document.addEventListener("focusin", (event) => {
    const part = event.target.closest("[data-m]");
    mark(part ? part.dataset.m : undefined);
  });

  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const drawer = target && target.closest("details");
    if (drawer) {
      drawer.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();
})();
