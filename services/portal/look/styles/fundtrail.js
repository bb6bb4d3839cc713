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
  const again = () => { clearTimeout(timer); timer = setTimeout(() => location.assign(lockAt), IDLE_MS); };
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

// A block copied from a spreadsheet fills the rows below the field it is pasted into.
for (const grid of document.querySelectorAll("[data-grid]")) {
  grid.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    const fields = [...grid.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("input, select")]);
    const top = fields.findIndex((row) => row.includes(event.target));
    const left = fields[top].indexOf(event.target);
    text.trim().split(/\r?\n/).forEach((line, down) => line.split("\t").forEach((cell, right) => {
      const field = fields[top + down]?.[left + right];
      if (field) field.value = cell.trim();
    }));
  });
}
