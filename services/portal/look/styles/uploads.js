// A chosen file goes ahead of its form, piece by piece: a broken line costs one piece at most, and the form then
// brings the name of what is here instead of the file. Without scripts the file goes with the form.
const PIECE_BYTES = 256 * 1024;
const SILENT_MS = 120 * 1000;
const WAITS_MS = [0, 1000, 2000, 4000, 8000, 15000, ...Array(1000).fill(30000)];
const TRIED_AGAIN = [0, 409, 423, 429];
const GONE = [404, 410];

const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const size = (bytes) => (bytes >= 1e5 ? `${number.format(bytes / 1e6)}\u00a0MB` : `${number.format(Math.round(bytes / 1e3))}\u00a0KB`);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const statusOf = (error) => (error.originalResponse ? error.originalResponse.getStatus() : 0);

const serve = (box) => {
  const words = box.dataset;
  const input = box.querySelector("input[type=file]");
  const form = input.form;
  const bar = box.querySelector(".ft-progress");
  const said = box.querySelector("[role=status]");
  const begun = JSON.parse(words.begun);
  let upload = null; // what is on its way, or has come
  let ready = ""; // the name of what has come
  let former = ""; // what came before it to this page, and is not wanted any more
  let wanted = null; // the button with which the form is to be sent as soon as it has
  let large = false;
  let quarter = 0;
  let reached = 0;
  let away = false;
  let watch = 0;

  const headers = () => ({ "X-CSRFToken": form.elements.csrf_token.value, "Tus-Resumable": "1.0.0" });
  const say = (text) => { said.textContent = text; };
  const tell = (text) => say(wanted ? `${text} ${words.waits}` : text);
  const again = () => { upload.abort(); upload.start(); watched(); };
  const watched = () => { clearTimeout(watch); watch = setTimeout(again, SILENT_MS); };
  const came = () => {
    clearTimeout(watch);
    bar.hidden = true;
    delete document.body.dataset.sending;
  };
  const leave = () => {
    if (wanted) form.requestSubmit(wanted);
    else if ("locked" in document.body.dataset) location.assign(document.body.dataset.idleLock);
  };
  const stop = () => {
    if (upload && !ready) upload.abort();
    former = ready || former;
    came();
    [upload, ready, wanted, large, quarter, reached, away] = [null, "", null, false, 0, 0, false];
    say("");
  };

  const progressed = (sent, whole) => {
    watched();
    bar.querySelector("progress").value = whole ? sent / whole : 1;
    bar.querySelector("span").textContent = `${size(sent)} / ${size(whole)}`;
    const now = Math.floor((4 * sent) / (whole || 1));
    const moves = sent > reached;
    if (moves && (away || now !== quarter)) tell(filled(words.sending, { percent: 25 * now }));
    if (moves) [reached, quarter, away] = [sent, now, false];
  };

  const done = (file) => {
    came();
    ready = upload.url.split("/").pop();
    if (former) fetch(`${words.endpoint}/${former}`, { method: "DELETE", headers: headers() });
    former = "";
    for (const kept of box.querySelectorAll("[data-kept]")) kept.hidden = true;
    say(filled(words.here, { name: file.name, size: size(file.size) }));
    leave();
  };

  const failed = (error, file) => {
    if (GONE.includes(statusOf(error))) { begin(file, null); return; }
    came();
    const told = error.originalResponse;
    const plain = told && (told.getHeader("Content-Type") || "").startsWith("text/plain") && told.getBody();
    upload = null; // the form brings the file itself
    say(plain || words.failed);
    leave();
  };

  const begin = (file, url) => {
    const endpoint = new URL(words.endpoint, location.href).href;
    upload = new tus.Upload(file, {
      endpoint: url ? null : endpoint,
      uploadUrl: url,
      chunkSize: PIECE_BYTES,
      retryDelays: WAITS_MS,
      storeFingerprintForResuming: false, // a shared desk remembers nothing of whose file it was
      headers: { "X-CSRFToken": form.elements.csrf_token.value },
      metadata: { filename: file.name, form: words.upload, modified: file.lastModified },
      // From now on only this one: with an endpoint, tus would begin anew when a busy server cannot tell how far it is.
      onUploadUrlAvailable: () => { upload.options.endpoint = null; },
      onShouldRetry: (error) => {
        const status = statusOf(error);
        const worth = TRIED_AGAIN.includes(status) || status >= 500;
        away ||= worth;
        if (worth) tell(words.away);
        return worth;
      },
      onProgress: progressed,
      onSuccess: () => done(file),
      onError: (error) => failed(error, file),
    });
    bar.hidden = false;
    document.body.dataset.sending = "";
    watched();
    upload.start();
  };

  const choose = () => {
    stop();
    const file = input.files[0];
    if (!file) return;
    large = file.size > Number(words.most);
    if (large) { say(words.large); return; }
    const same = begun.find((one) => one.name === file.name && one.length === file.size && one.modified === file.lastModified);
    begin(file, same ? new URL(same.url, location.href).href : null);
  };

  input.addEventListener("change", choose);
  addEventListener("online", () => { if (upload && !ready) again(); });
  form.addEventListener("submit", (event) => {
    if (ready || (!upload && wanted)) return;
    if (!upload && input.files.length && !large) choose();
    if (large) input.focus();
    if (!upload && !large) return;
    event.preventDefault();
    if (!large && !wanted) {
      wanted = event.submitter;
      tell(said.textContent);
    }
  });
  form.addEventListener("formdata", (event) => {
    if (!ready) return;
    event.formData.delete(input.name);
    event.formData.set("upload", ready);
  });
};

for (const box of document.querySelectorAll("[data-upload]")) serve(box);
