// The fleet run by run: a column per run, stacked by status, and the same as a table.

import { drawing, element, show, table } from "./elements.js";
import { number, percent, STATUS_WORDS, STATUSES, time } from "./words.js";

const WIDTH = 1000;
const HEIGHT = 180;
const MOST_COLUMNS = 168;
const MOST_ROWS = 48;

export function showTrend(container, points) {
  if (!points.length) {
    show(container, element("p", {}, "No completed run in the last two weeks."));
    return;
  }
  const shown = thinned(points);
  const most = Math.max(1, ...shown.map((point) => point.applications.total));
  const first = shown[0];
  const last = shown[shown.length - 1];
  const summary = `From ${time(first.run_time)} to ${time(last.run_time)}: compliant ${percent(first.compliant_share)}, `
    + `then ${percent(last.compliant_share)}; not compliant ${number(first.applications.noncompliant)}, `
    + `then ${number(last.applications.noncompliant)}; could not be read ${number(first.applications.unread)}, `
    + `then ${number(last.applications.unread)}.`;
  show(container,
    drawing("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
      "aria-label": summary }, shown.flatMap((point, place) => column(point, place, shown.length, most))),
    element("div", { class: "axis", "aria-hidden": "true" },
      element("span", {}, time(first.run_time)), element("span", {}, `up to ${number(most)} applications`),
      element("span", {}, time(last.run_time))),
    legend(),
    element("details", {}, element("summary", {}, "The same as a table"), asTable(points)));
}

function thinned(points) {
  const step = Math.ceil(points.length / MOST_COLUMNS);
  return points.filter((_, place) => (points.length - 1 - place) % step === 0);
}

function column(point, place, count, most) {
  const width = WIDTH / count;
  let top = HEIGHT;
  return [...STATUSES].reverse().map((status) => {
    const height = (point.applications[status] / most) * HEIGHT;
    top -= height;
    return height > 0
      ? drawing("rect", { class: status, x: place * width, y: top, width: Math.max(1, width * 0.9), height })
      : null;
  }).filter(Boolean);
}

function legend() {
  return element("ul", { class: "legend" }, STATUSES.map((status) => element("li", {},
    drawing("svg", { class: "chart", viewBox: "0 0 12 12", "aria-hidden": "true" },
      drawing("rect", { class: status, width: 12, height: 12 })),
    STATUS_WORDS[status])));
}

function asTable(points) {
  const latest = [...points].reverse().slice(0, MOST_ROWS);
  return table({
    caption: points.length > latest.length ? `The latest ${latest.length} of ${points.length} runs` : null,
    label: "The fleet run by run",
    items: latest,
    columns: [
      { title: "Run", cell: (point) => time(point.run_time) },
      { title: "Compliant share", number: true, cell: (point) => percent(point.compliant_share) },
      ...STATUSES.map((status) => ({
        title: STATUS_WORDS[status], number: true, cell: (point) => number(point.applications[status]),
      })),
      { title: "Applications", number: true, cell: (point) => number(point.applications.total) },
    ],
  });
}
