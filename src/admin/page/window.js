// Opens the streams, and hands what they tell to the views.

import { draw } from "./graph.js";
import { watch as watchRecords } from "./records.js";
import { show } from "./status.js";

watchRecords();

const traffic = new EventSource("/traffic");
traffic.addEventListener("message", (event) => {
  const news = JSON.parse(event.data);
  draw(news);
  show(news.status);
});
for (const kind of ["end", "error"]) {
  traffic.addEventListener(kind, () => {
    const state = document.getElementById("state");
    state.textContent = kind === "end" ? "the sidecar has ended" : "not connected";
    state.className = "badge bad";
  });
}
