// The fleet over time, on a true time axis: what is wrong, run by run. Where no run was completed there is a gap, no line.

import { html, nothing, svg } from "./vendor/lit-html/lit-html.js";
import { age, moment, shortDay, utc } from "./moments.js";
import { counted, number, percent, STATUS_WORDS } from "./words.js";
import { table } from "./parts.js";

const SIZE = { height: 150, top: 10, right: 6, bottom: 20, left: 36 };
const DRAWN = ["noncompliant", "unread", "not_evaluated"];
const MOST_ROWS = 48;
const MOST_TOLD = 3;
const LONE_WIDTH = 2;
const TICK_WIDTH = 62;
const DAY_MILLISECONDS = 86_400_000;

// Which run the reader looks at: it stays while the trend is loaded anew.
let chosenTime = null;

const at = (point) => Date.parse(point.run_time);

// The stretches between `points` and `now` that are longer than what the API calls a gap, as [from, to] in milliseconds.
function silences(points, now, longest) {
  const ends = [...points.slice(1).map(at), now];
  return points.map((point, place) => [at(point), ends[place]]).filter(([from, to]) => to - from > longest);
}

// `width`: of the place that the chart stands in, in CSS pixels, so that its texts have the size of the page's.
export function trend({ history: points, gap_after_seconds: gapAfter }, { now, redraw, width }) {
  const first = at(points[0]);
  const last = Math.max(now, at(points[points.length - 1]) + 1);
  const silent = silences(points, now, gapAfter * 1000);
  const most = Math.max(1, ...points.map((point) => DRAWN.reduce((sum, kind) => sum + (point.applications[kind] ?? 0), 0)));
  const x = (time) => SIZE.left + ((time - first) / (last - first)) * (width - SIZE.left - SIZE.right);
  const y = (count) => SIZE.height - SIZE.bottom - (count / most) * (SIZE.height - SIZE.top - SIZE.bottom);
  const place = Math.max(0, chosenTime ? points.findLastIndex((point) => point.run_time <= chosenTime) : points.length - 1);
  const choose = (to) => {
    const bounded = Math.min(points.length - 1, Math.max(0, to));
    chosenTime = bounded === points.length - 1 ? null : points[bounded].run_time;
    redraw();
  };
  const chosen = points[place];
  return html`
    <div class="trend-chart" role="slider" tabindex="0" aria-label="Run of the trend" aria-valuemin="1" aria-valuemax=${points.length}
      aria-valuenow=${place + 1} aria-valuetext=${said(chosen)} @keydown=${(event) => press(event, place, points.length, choose)}
      @pointermove=${(event) => choose(nearest(event, points, x, width))} @pointerdown=${(event) => choose(nearest(event, points, x, width))}
      @pointerleave=${(event) => event.pointerType === "mouse" && choose(points.length - 1)}>
      <svg class="chart" viewBox="0 0 ${width} ${SIZE.height}" aria-hidden="true">
        <defs><pattern id="silent" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path
          class="stripe" d="M0 0V8"></path></pattern></defs>
        ${[0, most].map((count) => svg`<path class="rule" d=${`M${SIZE.left} ${y(count)}H${width - SIZE.right}`}></path>
          <text x=${SIZE.left - 6} y=${y(count) + 4} text-anchor="end">${number(count)}</text>`)}
        ${silent.map(([from, to]) => svg`<rect class="silence" x=${x(from)} y=${SIZE.top}
          width=${Math.max(1, x(to) - x(from))} height=${SIZE.height - SIZE.top - SIZE.bottom}></rect>`)}
        ${areas(points, silent, { x, y, last })}
        ${ticks(first, last, width).map((time) => svg`<path class="rule" d=${`M${x(time)} ${SIZE.height - SIZE.bottom}v4`}></path>
          <text x=${x(time)} y=${SIZE.height - 5} text-anchor="middle">${shortDay(time)}</text>`)}
        <path class="cursor" d=${`M${x(at(chosen))} ${SIZE.top}V${SIZE.height - SIZE.bottom}`}></path>
      </svg>
    </div>
    <p class="readout" data-readout>${said(chosen)}</p>
    ${legend()}
    ${silent.length ? html`<p class="quiet" data-silences>${toldSilences(silent)}</p>` : nothing}
    <details><summary>The same as a table</summary>${asTable(points)}</details>`;
}

// The latest are told; of the others how many there are.
function toldSilences(silent) {
  const latest = silent.slice(-MOST_TOLD).reverse().map(([from, to]) => `for ${age((to - from) / 1000)} after ${utc(new Date(from).toISOString())}`);
  const others = silent.length - latest.length;
  return `No run was completed ${latest.join(", and ")}${others ? `, and ${counted(others, "more time")} before` : ""}.`;
}

const said = (point) => `${utc(point.run_time)}: ${number(point.applications.noncompliant)} not compliant, `
  + `${number(point.applications.unread)} could not be read, ${number(point.applications.not_evaluated)} not evaluated, `
  + `of ${number(point.applications.total)}; compliant ${percent(point.compliant_share)}`;

// What a run found is drawn until the next one; where none followed in time it is a line, and then nothing is known.
function areas(points, silent, { x, y, last }) {
  const quietAfter = new Set(silent.map(([from]) => from));
  const until = (place) => (place + 1 < points.length ? at(points[place + 1]) : last);
  const end = (point, place) => (quietAfter.has(at(point)) ? x(at(point)) + LONE_WIDTH : x(until(place)));
  let below = points.map(() => 0);
  return DRAWN.map((kind) => {
    const above = below.map((count, place) => count + (points[place].applications[kind] ?? 0));
    const path = points.map((point, place) => (above[place] === below[place] ? "" : `M${round(x(at(point)))} ${round(y(above[place]))}`
      + `H${round(end(point, place))}V${round(y(below[place]))}H${round(x(at(point)))}Z`)).join("");
    below = above;
    return svg`<path class="area ${kind}" d=${path}></path>`;
  });
}

const round = (value) => Math.round(value * 10) / 10;

// Midnights, as many as there is room for with their dates.
function ticks(first, last, width) {
  const days = (last - first) / DAY_MILLISECONDS;
  const step = Math.max(1, Math.ceil((days * TICK_WIDTH) / (width - SIZE.left))) * DAY_MILLISECONDS;
  const found = [];
  for (let time = Math.ceil(first / DAY_MILLISECONDS) * DAY_MILLISECONDS; time < last; time += step) found.push(time);
  return found;
}

function nearest(event, points, x, width) {
  const box = event.currentTarget.getBoundingClientRect();
  const wanted = ((event.clientX - box.left) / box.width) * width;
  return points.reduce((best, point, place) => (Math.abs(x(at(point)) - wanted) < Math.abs(x(at(points[best])) - wanted) ? place : best), 0);
}

function press(event, place, count, choose) {
  const moves = { ArrowLeft: place - 1, ArrowDown: place - 1, ArrowRight: place + 1, ArrowUp: place + 1, PageDown: place - 7,
    PageUp: place + 7, Home: 0, End: count - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  choose(moves[event.key]);
}

const legend = () => html`<ul class="legend">${DRAWN.map((kind) => html`<li><svg class="chart" viewBox="0 0 12 12" aria-hidden="true"
  ><rect class="area ${kind}" width="12" height="12"></rect></svg>${STATUS_WORDS[kind]}</li>`)}<li><svg class="chart" viewBox="0 0 12 12"
  aria-hidden="true"><rect class="silence" width="12" height="12"></rect></svg>No run</li></ul>`;

function asTable(points) {
  const latest = [...points].reverse().slice(0, MOST_ROWS);
  const count = (kind) => (point) => number(point.applications[kind]);
  return table({
    label: "The fleet run by run",
    caption: points.length > latest.length ? `The latest ${latest.length} of ${points.length} runs` : null,
    items: latest,
    key: (point) => point.run_id,
    columns: [
      { title: "Run", kind: "time", isHead: true, cell: (point) => moment(point.run_time) },
      { title: "Compliant share", kind: "number", cell: (point) => percent(point.compliant_share) },
      ...Object.entries(STATUS_WORDS).map(([kind, title]) => ({ title, kind: "number", cell: count(kind) })),
      { title: "Applications", kind: "number", cell: count("total") },
    ],
  });
}
