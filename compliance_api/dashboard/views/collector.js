// How the collector is doing: when it last completed a run, what each run read and what it did not.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { age, moment } from "../moments.js";
import { choice } from "../filters.js";
import { empty, panel, table } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, number, outcome } from "../words.js";

const STEP = 50;
const KINDS = { access_denied: "AccessDenied", not_found: "NotFound", blocked: "Blocked", throttled: "Throttled",
  upload_failed: "UploadFailed", skipped: "Skipped" };
const SPANS = [["P1D", "A day"], ["P14D", "Two weeks"], ["P30D", "30 days"], ["P90D", "90 days"]];
const DEFAULT_SPAN = "P7D";

export function collector({ router, store }) {
  const timespan = router.state.timespan || DEFAULT_SPAN;
  const shown = router.shown(STEP);
  const entry = store.one("runs", "/api/compliance/runs", { timespan, limit: Math.min(500, shown) });
  return panel({
    id: "collector",
    title: "Collector",
    entry,
    body: (answer) => html`
      ${health(answer)}
      <form class="filters" aria-label="Runs" @submit=${(event) => event.preventDefault()}>
        ${choice({ router, field: "timespan", title: "Runs of", options: SPANS, otherwise: "A week" })}</form>
      ${answer.runs.length ? runs(answer, router) : empty("No run was completed in this time.", html`Choose a
        longer time, or look at the worker's log and at “Policy collector is silent” under <a href=${addressOf({ view: "alerts" })}>Alert rules</a>.`)}`,
  });
}

function health({ as_of: asOf }) {
  if (!asOf) {
    return html`<div class="banner"><p><strong>No run yet.</strong> The collector's timer has not completed a run in the last 90 days.</p></div>`;
  }
  return html`<p class="headline">${asOf.is_stale
    ? html`<strong class="noncompliant">✕ The next run is overdue.</strong> The latest began ${age(asOf.age_seconds)} ago.`
    : html`<strong class="compliant">✓ Runs are completed in time.</strong> The latest began ${age(asOf.age_seconds)} ago.`}
    <small class="quiet">${moment(asOf.run_time)}, run <bdi>${asOf.run_id}</bdi></small></p>`;
}

function runs(answer, router) {
  const seconds = (value) => (value === null ? "–" : `${(value / 1000).toFixed(1)} s`);
  const count = (field) => (run) => number(run[field]);
  const left = answer.total - answer.runs.length;
  return html`${table({
    label: "Collection runs",
    caption: `${counted(answer.runs.length, "run")} of ${number(answer.total)}, the latest first`,
    items: answer.runs,
    key: (run) => run.run_id,
    columns: [
      { title: "Run", kind: "time", isHead: true, cell: (run) => html`${moment(run.run_time)}<small><bdi>${run.run_id}</bdi></small>` },
      { title: "Trigger", kind: "short", cell: (run) => run.trigger || "–" },
      { title: "Took", kind: "number", cell: (run) => seconds(run.duration_ms) },
      { title: "Applications", kind: "number", cell: count("applications") },
      { title: "Read", kind: "number", cell: count("succeeded") },
      { title: "Not read", kind: "number", cell: (run) => notRead(run, run === answer.runs[0]) },
      { title: "Why not", cell: (run) => failures(run) },
      { title: "States", kind: "number", cell: count("states") },
      { title: "Rows rejected", kind: "number", cell: count("rejected_rows") },
    ],
  })}${left > 0 && answer.runs.length < 500
    ? html`<p class="more"><a class="button" data-replace href=${router.change({ shown: String(answer.runs.length + STEP) })}>Show more</a></p>` : nothing}`;
}

// Who could not be read is known of the latest run.
const notRead = (run, isLatest) => (isLatest && run.failed
  ? html`<a href=${addressOf({ view: "customers", status: "unread" })}>${number(run.failed)}</a>` : number(run.failed));

const failures = (run) => Object.entries(KINDS).filter(([field]) => run[field]).map(([field, kind]) => `${number(run[field])} ${outcome(kind)}`).join(", ");
