// Who calls whom, as a graph and as a table.

import { element } from "./records.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 44;
const MOST_DRAWN = 12;

const graph = document.getElementById("graph");
const pairs = document.getElementById("pairs");
const span = document.getElementById("span");

export function draw(news) {
  const missed = news.missed > 0 ? ` ${news.missed} records came too fast to be counted.` : "";
  span.textContent = `The last ${news.seconds} s.${missed}`;
  pairs.replaceChildren(...news.pairs.map((pair) => row(pair, news.seconds)));
  drawGraph(edges(news.pairs), news.seconds);
}

function row(pair, seconds) {
  const line = document.createElement("tr");
  const times = [pair.p50_us, pair.p99_us].map((us) => (us === undefined ? "" : `${(us / 1000).toFixed(1)} ms`));
  const counts = [pair.denied, pair.refused, pair.errors];
  line.append(
    element("td", known(pair.from)),
    element("td", pair.route || known(pair.to)),
    element("td", pair.door),
    element("td", rate(pair.requests, seconds)),
    ...counts.map((count) => element("td", count > 0 ? rate(count, seconds) : "–", count > 0 ? "bad" : "faint")),
    ...times.map((time) => element("td", time)),
  );
  return line;
}

function rate(count, seconds) {
  return (count / seconds).toFixed(1);
}

// One for each caller and service, the busiest first.
function edges(all) {
  const found = new Map();
  for (const pair of all) {
    const key = JSON.stringify([pair.from, pair.to]);
    const edge = found.get(key) ?? { from: pair.from, to: pair.to, requests: 0, no: 0 };
    edge.requests += pair.requests;
    edge.no += pair.denied + pair.refused;
    found.set(key, edge);
  }
  return [...found.values()].sort((a, b) => b.requests - a.requests).slice(0, MOST_DRAWN);
}

function drawGraph(all, seconds) {
  const width = Math.max(graph.clientWidth, 320);
  const from = [...new Set(all.map((edge) => edge.from))].sort();
  const to = [...new Set(all.map((edge) => edge.to))].sort();
  const height = Math.max(from.length, to.length) * ROW + 8;
  const [left, right] = [width * 0.3, width * 0.7];
  const at = (names, name) => (names.indexOf(name) + 0.5) * (height / names.length);
  graph.setAttribute("viewBox", `0 0 ${width} ${height}`);
  graph.setAttribute("height", height);
  const lines = all.flatMap((edge) => {
    const [y1, y2] = [at(from, edge.from), at(to, edge.to)];
    const middle = (left + right) / 2;
    const path = shape("path", { d: `M${left} ${y1} C${middle} ${y1} ${middle} ${y2} ${right} ${y2}`, "stroke-width": 1 + Math.log2(1 + edge.requests / seconds), class: edge.no > 0 ? "deny" : "" });
    const said = edge.no > 0 ? `${rate(edge.requests, seconds)}/s, ${rate(edge.no, seconds)} no` : `${rate(edge.requests, seconds)}/s`;
    const label = shape("text", { x: middle, y: (y1 + y2) / 2 - 6, "text-anchor": "middle", class: "rate" }, said);
    return [path, label];
  });
  const nodes = (names, x, anchor, shift) => names.flatMap((name) => [
    shape("circle", { cx: x, cy: at(names, name), r: 5 }),
    shape("text", { x: x + shift, y: at(names, name) + 4, "text-anchor": anchor }, short(name, width)),
  ]);
  // What lies over another is drawn later.
  const drawn = [...lines.filter((line) => line.tagName === "path"), ...lines.filter((line) => line.tagName === "text")];
  graph.replaceChildren(...drawn, ...nodes(from, left, "end", -10), ...nodes(to, right, "start", 10));
}

// Those of a mesh are mostly of one trust domain.
function known(name) {
  return name.replace(/^spiffe:\/\/[^/]*\//, "") || "nobody known";
}

// The end of a name says most.
function short(name, width) {
  const most = Math.max(8, Math.floor(width * 0.27 / 7.5));
  const text = known(name);
  return text.length > most ? `…${text.slice(1 - most)}` : text;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
