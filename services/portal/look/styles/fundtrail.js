// Livelier where scripts run; nothing depends on it.
document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) document.body.classList.add("govuk-frontend-supported");
const own = document.querySelector("script[data-govuk]");
import(own.dataset.govuk).then(({ initAll }) => initAll()).catch(() => {});

// The screen of a shared desk locks itself; the server does so too, with or without this.
const IDLE_MS = 10 * 60 * 1000;
const lockAt = document.body.dataset.idleLock;
if (lockAt) {
  let timer;
  // A file on its way goes on behind a screen that shows nothing; the page is left when it has come.
  const lock = () => {
    if ("sending" in document.body.dataset) document.body.dataset.locked = "";
    else location.assign(lockAt);
  };
  const again = () => { clearTimeout(timer); timer = setTimeout(lock, IDLE_MS); };
  for (const kind of ["pointerdown", "keydown", "scroll"]) addEventListener(kind, again, { passive: true });
  again();
}

// Typing without diacritics finds with them.
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d").replace(/Đ/g, "D").toLowerCase();
for (const field of document.querySelectorAll("[data-finds]")) {
  const rows = [...document.querySelectorAll(`${field.dataset.finds} tbody tr`)];
  field.addEventListener("input", () => {
    const wanted = plain(field.value);
    for (const row of rows) row.hidden = !plain(row.textContent).includes(wanted);
  });
}

// A block copied from a spreadsheet fills the rows below the field it is pasted into, and new ones where they end;
// one that has more rows than a form takes fills none, and that is said.
const GRID_ROWS_MAX = 500;
const cellsOf = (row) => [...row.querySelectorAll("input, select")];
const addRow = (body) => {
  const last = body.rows[body.rows.length - 1];
  const row = last.cloneNode(true);
  const at = body.rows.length;
  for (const cell of cellsOf(row)) {
    cell.value = "";
    cell.name = cell.name.replace(/-\d+-/, `-${at}-`);
    cell.id = cell.name;
    cell.setAttribute("aria-label", (cell.getAttribute("aria-label") || "").replace(/\d+/, at + 1));
  }
  row.cells[0].textContent = at + 1;
  body.append(row);
};
for (const grid of document.querySelectorAll("[data-grid]")) {
  grid.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain").replace(/\s+$/, "");
    if (!/[\t\n]/.test(text)) return;
    event.preventDefault();
    const body = event.target.closest("tbody");
    const top = [...body.rows].findIndex((row) => row.contains(event.target));
    const left = cellsOf(body.rows[top]).indexOf(event.target);
    const lines = text.split(/\r?\n/);
    const full = top + lines.length > GRID_ROWS_MAX;
    const notice = grid.parentElement.querySelector("[data-grid-full]");
    if (notice) notice.hidden = !full;
    if (full) return notice?.scrollIntoView({ block: "center" });
    lines.forEach((line, down) => {
      if (top + down >= body.rows.length) addRow(body);
      const row = body.rows[top + down];
      line.split("\t").forEach((cell, right) => {
        const field = cellsOf(row)[left + right];
        if (field) field.value = cell.trim();
      });
    });
  });
}
