// How the sidecar is: identity, policy, doors and log.

import { element } from "./records.js";

const MOST_CHANGES = 20;

const facts = document.getElementById("facts");
const changes = document.getElementById("changes");
const state = document.getElementById("state");
const who = document.getElementById("who");

const before = new Map();

export function show(status) {
  const missing = status.not_ready ?? [];
  state.textContent = status.ready ? "ready" : `not ready: ${missing.map((one) => one.condition).join(", ")}`;
  state.className = status.ready ? "badge good" : "badge bad";
  who.textContent = status.identity?.spiffe_id ?? `version ${status.version}`;
  const lines = [];
  for (const one of missing) lines.push([one.condition, one.detail, "bad"]);
  for (const one of status.remarks ?? []) lines.push([one.condition, one.detail, "warn"]);
  identity(status.identity, lines);
  policy(status.policy, lines);
  for (const door of status.listeners) lines.push([door.door, door.to ? `${door.address} → ${door.to}` : door.address]);
  lines.push(["in flight", `${status.live.streams} requests on ${status.live.connections} connections`]);
  log(status.audit, lines);
  facts.replaceChildren(...lines.flatMap(([name, value, style]) => [element("dt", name), element("dd", value, style)]));
  note("policy", status.policy?.revision, (revision) => `policy revision ${revision.slice(0, 12)}`);
  note("identity", status.identity?.not_after, (date) => `a certificate that is good until ${date}`);
  note("ready", String(status.ready), () => (status.ready ? "ready" : state.textContent));
}

function identity(known, lines) {
  if (!known) return;
  const left = (Date.parse(known.not_after) - Date.now()) / 1000;
  lines.push(["certificate", left > 0 ? `ends in ${duration(left)} (${known.not_after})` : "has ended", left > 300 ? "" : "bad"]);
  if (known.last_error) lines.push(["renewal", known.last_error.reason, "bad"]);
}

function policy(known, lines) {
  if (!known) return;
  lines.push(["policy", `${known.revision.slice(0, 12)} since ${known.loaded_at}`]);
  if (known.last_error) lines.push(["last change refused", known.last_error.reason, "bad"]);
}

function log(audit, lines) {
  lines.push(["audit", `${audit.written_records} records written, ${audit.taken_records} of ${audit.room_records} places taken`]);
  for (const failure of [audit.failure, audit.reopen_failure].filter(Boolean)) {
    lines.push(["audit failure", `${failure.reason}, since ${failure.since}`, "bad"]);
  }
}

// What is another than the last time is worth a line.
function note(name, value, say) {
  if (value === undefined) return;
  const changed = before.has(name) && before.get(name) !== value;
  before.set(name, value);
  if (!changed) return;
  changes.querySelector(".faint")?.remove();
  changes.prepend(element("li", `${new Date().toISOString().slice(11, 19)} ${say(value)}`));
  while (changes.children.length > MOST_CHANGES) changes.lastChild.remove();
}

function duration(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return `${minutes} min ${Math.floor(seconds % 60)} s`;
}
