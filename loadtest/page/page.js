// Reads values off the charts: a line follows the pointer, or the arrow keys, through all of them, and the legends show what each
// line was at that time. Without this script the page is complete but for that.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = [...document.querySelectorAll("svg[data-chart]")].map((svg) => ({
    svg,
    cursor: svg.querySelector(".cursor"),
    legend: document.getElementById(svg.dataset.chart + "-legend"),
    lines: data.lines[Number(svg.dataset.chart.slice("chart".length))],
  }));
  const span = data.to - data.from;
  let shown = null;

  // nearest is the value of a line whose time is nearest.
  function nearest(points, at) {
    let low = 0;
    let high = points.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (points[middle][0] > at) high = middle;
      else low = middle;
    }
    if (points.length === 0) return null;
    return Math.abs(points[low][0] - at) <= Math.abs(points[high][0] - at) ? points[low] : points[high];
  }

  function clock(at) {
    if (span < 120) return at.toFixed(1) + " s";
    const s = Math.round(at);
    const two = (n) => String(n).padStart(2, "0");
    if (span < 7200) return Math.floor(s / 60) + ":" + two(s % 60);
    return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  }

  // show moves the line in all charts to a time in seconds, or takes it away.
  function show(at) {
    shown = at;
    const x = at === null ? 0 : data.left + ((data.right - data.left) * (at - data.from)) / span;
    for (const chart of charts) {
      chart.cursor.setAttribute("visibility", at === null ? "hidden" : "visible");
      chart.cursor.setAttribute("x1", x);
      chart.cursor.setAttribute("x2", x);
      const cells = chart.legend.querySelectorAll(".now");
      cells[0].textContent = at === null ? "" : "at " + clock(at);
      chart.lines.forEach((points, i) => {
        const value = at === null ? null : nearest(points, at);
        cells[i + 1].textContent = value === null ? "" : value[1];
      });
    }
  }

  for (const { svg } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * data.width;
      const at = data.from + (span * (x - data.left)) / (data.right - data.left);
      show(Math.min(Math.max(at, data.from), data.to));
    });
    svg.addEventListener("pointerleave", () => show(null));
    svg.addEventListener("blur", () => show(null));
    svg.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (event.key === "Escape") show(null);
      if (by === undefined) return;
      event.preventDefault();
      const step = Math.max(span / 200, Math.min(1, span));
      const from = shown === null ? data.from - by * step : shown;
      show(Math.min(Math.max(from + by * step, data.from), data.to));
    });
  }
})();
