// Decisions as they happen. What callers chose is only ever put in as text.

const MOST_SHOWN = 200;
const DRAW_EVERY_MS = 250;

const list = document.getElementById("records");
const told = document.getElementById("told");
const form = document.getElementById("filter");
const pause = document.getElementById("pause");

let source;
let waiting = [];
let missed = 0;
let seen = 0;
let paused = false;

export function watch() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    open();
  });
  // The fields are empty only after the event.
  form.addEventListener("reset", () => setTimeout(open));
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
  });
  setInterval(drawWaiting, DRAW_EVERY_MS);
  open();
}

function open() {
  source?.close();
  waiting = [];
  missed = 0;
  seen = 0;
  list.replaceChildren();
  told.textContent = "Waiting for the next one …";
  const wishes = [...new FormData(form)].filter(([, value]) => value !== "");
  const path = `/records?${new URLSearchParams(wishes)}`;
  const own = new EventSource(path);
  source = own;
  own.addEventListener("message", (event) => {
    seen += 1;
    waiting.push(event.data);
    if (waiting.length > MOST_SHOWN) waiting.shift();
  });
  own.addEventListener("missed", (event) => {
    missed += JSON.parse(event.data).lines;
  });
  own.addEventListener("error", () => {
    if (own === source && own.readyState === EventSource.CLOSED) explain(path);
  });
}

// A browser does not say why a stream was refused: it is asked once more, for its words.
async function explain(path) {
  const gone = new AbortController();
  try {
    const answer = await fetch(path, { signal: gone.signal });
    if (answer.ok) gone.abort();
    else told.textContent = await answer.text();
  } catch {
    told.textContent = "The sidecar does not answer.";
  }
}

function drawWaiting() {
  if (paused || (waiting.length === 0 && missed === 0)) return;
  const items = waiting.map(item).reverse();
  waiting = [];
  list.prepend(...items);
  while (list.children.length > MOST_SHOWN) list.lastChild.remove();
  const gone = missed > 0 ? `; ${missed} came too fast to be shown (the log has them)` : "";
  told.textContent = `${seen} so far${gone}.`;
}

function item(text) {
  const record = JSON.parse(text);
  const line = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(
    element("b", record.decision, record.decision),
    ` ${record.status ?? ""} `,
    element("span", [record.method ?? record.event ?? record.protocol, record.path ?? record.host].filter(Boolean).join(" "), "code"),
    element("small", why(record)),
  );
  details.append(summary);
  // Written out when somebody looks.
  details.addEventListener("toggle", () => {
    if (details.children.length === 1) details.append(element("pre", JSON.stringify(record, null, 2)));
  });
  line.append(details);
  return line;
}

function why(record) {
  const parts = [
    record.time?.slice(11, 23),
    record.caller ?? "nobody known",
    record.route,
    record.reason,
    record.withdrawn_reason && `cut: ${record.withdrawn_reason}`,
    record.policies?.join(", "),
    record.duration_us !== undefined && `${(record.duration_us / 1000).toFixed(1)} ms`,
  ];
  return parts.filter(Boolean).join(" · ");
}

export function element(name, text, style) {
  const made = document.createElement(name);
  made.textContent = text;
  if (style) made.className = style;
  return made;
}
