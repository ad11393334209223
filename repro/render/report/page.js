"use strict";
// Sorting, filters, panels beside their cell, copying. Without it all of the page can be read and every panel opens.

const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// ---------------------------------------------------------------------------------------------------------- sorting

function makeSortable(table) {
  const rows = [...table.tBodies[0].rows];
  for (const head of all("th[data-sort]", table)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, rows, head));
  }
}

function sort(table, rows, head) {
  const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
  const order = next === undefined ? "ascending" : next;
  for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
  if (order) head.setAttribute("aria-sort", order);
  table.classList.toggle("sorted", Boolean(order));
  const place = Number(head.dataset.sort);
  const sign = order === "descending" ? -1 : 1;
  const sorted = order ? [...rows].sort((one, other) => compare(one.cells[place], other.cells[place], sign)) : rows;
  table.tBodies[0].append(...sorted);
}

function compare(one, other, sign) {
  const [a, b] = [one, other].map((cell) => cell.dataset.value);
  if (a !== undefined && b !== undefined) return sign * (Number(a) - Number(b));
  if (a !== undefined || b !== undefined) return a === undefined ? 1 : -1; // what has no number comes last
  return sign * one.textContent.localeCompare(other.textContent, "en", { numeric: true });
}

// ---------------------------------------------------------------------------------------------------------- filters

function makeFilter(bar) {
  const part = document.getElementById(bar.dataset.of);
  const rows = all("[data-row]", part);
  const search = bar.querySelector("input");
  const selects = all("select", bar);
  const told = bar.querySelector("output");
  const words = new Map(rows.map((row) => [row, wordsOf(row)]));
  const apply = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const fits = selects.every((one) => !one.value || row.dataset[one.dataset.key].split(" ").includes(one.value));
      row.hidden = !(fits && wanted.every((word) => words.get(row).includes(word)));
    }
    const left = rows.filter((row) => !row.hidden).length;
    told.textContent = `${left} of ${rows.length} ${rows.length === 1 ? told.dataset.one : told.dataset.many}`;
    for (const note of all(".none", part)) note.hidden = all("[data-row]:not([hidden])", note.parentElement).length > 0;
  };
  const reset = () => {
    search.value = "";
    for (const one of selects) one.value = "";
    apply();
  };
  search.addEventListener("input", apply);
  for (const one of selects) one.addEventListener("change", apply);
  bar.querySelector("[data-reset]").addEventListener("click", reset);
  part.addEventListener("reveal", reset);
  bar.hidden = rows.length < 2;
  apply();
}

function wordsOf(row) {
  const chapter = row.closest(".chapter");
  return `${chapter ? chapter.querySelector("h3").textContent : ""} ${row.textContent}`.toLowerCase();
}

// A link to what a part says of one table chooses that table there.
function makeChoice(link) {
  link.addEventListener("click", () => {
    const select = document.querySelector(`${link.getAttribute("href")} select[data-key="table"]`);
    if (![...select.options].some((option) => option.value === link.dataset.table)) return;
    select.value = link.dataset.table;
    select.dispatchEvent(new Event("change"));
  });
}

// A link to a row that a filter hides shows it.
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const row = target?.closest("[data-row][hidden]");
  if (!row) return;
  row.closest("main > section").dispatchEvent(new Event("reveal"));
  target.scrollIntoView();
});

// ----------------------------------------------------------------------------------------------------------- panels

const narrow = matchMedia("(max-width: 40rem)");
const DELAY = 250; // milliseconds that a pointer rests before a panel opens, and that it may be away before it closes
let open = null; // {button, panel, isKept}: kept by a press until it is closed, else gone with pointer or focus
let timer = 0;

function show(button, { isKept, isInert }) {
  clearTimeout(timer);
  const panel = document.getElementById(button.getAttribute("popovertarget"));
  if (open && open.panel !== panel) hide();
  open = { button, panel, isKept };
  panel.inert = isInert; // where Tab goes from cell to cell a panel is seen, and not walked through
  addCopy(panel);
  if (!panel.matches(":popover-open")) panel.showPopover({ source: button });
  put(button, panel);
}

function hide() {
  clearTimeout(timer);
  if (!open) return;
  const { panel } = open;
  open = null;
  panel.inert = false;
  if (panel.matches(":popover-open")) panel.hidePopover();
}

function put(button, panel) {
  panel.style.inset = panel.style.margin = "";
  if (narrow.matches) return;
  const cell = button.getBoundingClientRect();
  const below = cell.bottom + 4;
  const above = cell.top - 4 - panel.offsetHeight;
  const top = below + panel.offsetHeight <= innerHeight || above < 8 ? below : above;
  const left = Math.max(8, Math.min(cell.left, document.documentElement.clientWidth - panel.offsetWidth - 8));
  panel.style.margin = "0";
  panel.style.inset = `${Math.max(8, Math.min(top, innerHeight - panel.offsetHeight - 8))}px auto auto ${left}px`;
}

function makePanel(button) {
  const panel = document.getElementById(button.getAttribute("popovertarget"));
  const later = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, DELAY);
  };
  const leave = () => later(() => open?.panel === panel && !open.isKept && hide());
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse" && !open?.isKept) later(() => show(button, { isKept: false, isInert: false }));
  });
  button.addEventListener("pointerleave", leave);
  panel.addEventListener("pointerenter", () => clearTimeout(timer));
  panel.addEventListener("pointerleave", leave);
  button.addEventListener("focus", () => {
    if (button.matches(":focus-visible") && !open?.isKept) show(button, { isKept: false, isInert: true });
  });
  button.addEventListener("blur", (event) => {
    if (open?.button === button && !open.isKept && !panel.contains(event.relatedTarget)) hide();
  });
  button.addEventListener("click", (event) => {
    event.preventDefault(); // the browser would close what the pointer opened
    if (open?.button === button && open.isKept) return hide();
    show(button, { isKept: true, isInert: false });
    return panel.focus({ preventScroll: true });
  });
  panel.addEventListener("focusout", (event) => {
    if (event.relatedTarget && event.relatedTarget !== button && !panel.contains(event.relatedTarget)) hide();
  });
  panel.addEventListener("click", (event) => event.target.closest("a") && hide());
  panel.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && open?.panel === panel) open = null;
  });
}

function addCopy(panel) {
  const line = panel.querySelector("[data-copy]");
  if (!line || panel.querySelector(".copy")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  button.addEventListener("click", () => copy(line, told));
  line.after(button, " ", told);
}

async function copy(line, told) {
  try {
    await navigator.clipboard.writeText(line.textContent);
    told.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(line);
    told.textContent = "selected: copy it with the keyboard";
  }
}

// Arrow keys go from number to number.
function step(event) {
  const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
  const button = event.target.closest("button.cell");
  if (!button || across === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const rows = [...button.closest("tbody").rows].filter((row) => !row.hidden);
  const row = button.closest("tr");
  const place = all("button.cell", row).indexOf(button);
  const target = all("button.cell", rows[rows.indexOf(row) + down] || row)[place + across];
  if (target) {
    event.preventDefault();
    target.focus();
  }
}

// ------------------------------------------------------------------------------------------------------------ paper

let folded = [];
addEventListener("beforeprint", () => {
  hide();
  folded = all("details:not([open])");
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});

all("table[data-sortable]").forEach(makeSortable);
all(".filters").forEach(makeFilter);
all("button.cell").forEach(makePanel);
all("a[data-table]").forEach(makeChoice);
addEventListener("keydown", step);
addEventListener("scroll", (event) => open && !open.panel.contains(event.target) && put(open.button, open.panel), true);
addEventListener("resize", () => open && put(open.button, open.panel));
