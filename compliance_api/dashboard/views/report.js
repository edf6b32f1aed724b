// The report about one customer and a period: what an auditor asks for, on paper, with the rows that prove it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address, applicationPath } from "../data.js";
import { moment, utc } from "../moments.js";
import { choice } from "../filters.js";
import { clamped, empty, held, judge, name, panel, status, table } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, guardWord, isCheck, number, planText, verdictWord } from "../words.js";

const DEFAULT_SPAN = "P30D";
const SPANS = [["P7D", "7 days"], ["P60D", "60 days"], ["P90D", "90 days"]];
const GAPS = { no_run: "No run was completed", not_reported: "A run had no result of it", unread: "Could not be read" };

export function report({ router, store, fleet }) {
  const { application, timespan = DEFAULT_SPAN } = router.state;
  if (!application) {
    return panel({ id: "report", title: "Customer report", entry: { ...fleet, data: {}, error: null }, body: () => empty("No customer is chosen.",
      html`Open a customer under <a href=${addressOf({ view: "customers" })}>Customers</a>, and choose “Customer report” there.`) });
  }
  const path = applicationPath(application, "/report");
  const entry = store.one(`report ${application}`, path, { timespan });
  return html`<article class="report">${panel({
    id: "report",
    title: entry.data ? html`Compliance report: ${name(entry.data.application.customer)}` : "Compliance report",
    entry,
    tools: html`<form class="filters tools no-print" aria-label="Report" @submit=${(event) => event.preventDefault()}>
      ${choice({ router, field: "timespan", title: "Period", options: SPANS, otherwise: "30 days" })}
      <button type="button" @click=${() => print()}>Print</button>
      <a class="button" href=${address(path, { timespan })} target="_blank" rel="noopener">JSON</a></form>`,
    body: (answer) => html`${head(answer)}${verdicts(answer)}${gaps(answer)}${exemptions(answer)}${evidence(answer)}`,
  })}</article>`;
}

function head({ application: one, period, runs, as_of: asOf }) {
  const facts = [
    ["Application", name(one.id)],
    ["Plan", name(planText(one.plan))],
    ["Period", html`${moment(period.from)} to ${moment(period.until)}`],
    ["Runs", `${counted(runs.completed, "completed run")}: ${number(runs.read)} read this application, ${number(runs.not_read)} did not; `
      + `${number(runs.compliant)} found it compliant`],
    ["Now", html`${status(one)} <small>as of the run of ${utc(asOf.run_time)}, ${asOf.run_id}${one.last_read ? `; last read ${utc(one.last_read)}` : "; never read"}</small>`],
  ];
  return html`<dl class="facts">${facts.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}

const proof = ({ first, last, rows }) => html`<small>${counted(rows, "row")}: <bdi>${first.run_id}</bdi>${rows > 1 ? html` … <bdi>${last.run_id}</bdi>` : nothing}</small>`;

function verdicts({ assignments }) {
  if (!assignments.length) return html`<h3>Verdicts over time</h3>${empty("No verdict was published in this period.", "Nothing was judged: see the gaps below.")}`;
  return html`<h3>Verdicts over time</h3>${assignments.map((one) => html`
    <h4>${name(one.name)} ${judge(one)} <small class="quiet">${name(one.id)}</small></h4>
    ${table({
      label: `Verdicts of ${one.name}`,
      items: one.periods,
      key: (period) => `${period.first.run_id}|${period.first.time}`,
      columns: [
        { title: "Told from", isHead: true, cell: (period) => moment(period.first.time) },
        { title: "until", cell: (period) => moment(period.last.time) },
        { title: "Verdict", cell: (period) => html`${verdictWord(period.verdict)}<small>${[`since ${utc(period.since)}`, held(period.held),
          period.accepted ? `accepted until ${utc(period.accepted.until)} by ${period.accepted.by}: ${period.accepted.reason}` : ""].filter(Boolean).join("; ")}</small>` },
        { title: "Violations", kind: "number", cell: (period) => number(period.noncompliant_states) },
        { title: "Guard", cell: (period) => isCheck(one) ? "–" : html`${guardWord(period.guard.state)}${period.guard.details ? html`<small>${name(period.guard.details)}</small>` : nothing}` },
        { title: "Last read", cell: (period) => moment(period.last_read, "never") },
        { title: "Evidence", cell: proof },
      ],
    })}`)}`;
}

function gaps({ gaps: found }) {
  return html`<h3>When it could not be read</h3>${found.length ? table({
    label: "Gaps",
    items: found,
    key: (gap) => `${gap.reason}|${gap.from}`,
    columns: [
      { title: "From", isHead: true, cell: (gap) => moment(gap.from) },
      { title: "Until", cell: (gap) => moment(gap.until) },
      { title: "What", cell: (gap) => html`${GAPS[gap.reason]}${gap.outcomes.length ? html`<small>${name(gap.outcomes.join("; "))}</small>` : nothing}` },
      { title: "Last read before", cell: (gap) => (gap.reason === "no_run" ? "–" : moment(gap.last_read, "never")) },
      { title: "Runs", kind: "number", cell: (gap) => number(gap.runs) },
      { title: "Evidence", cell: (gap) => (gap.first_run_id ? html`<small><bdi>${gap.first_run_id}</bdi> … <bdi>${gap.last_run_id}</bdi></small>` : "–") },
    ],
  }) : empty("None.", "Every completed run of the period read it, and runs were completed in time.")}`;
}

function exemptions({ exemptions: found }) {
  return html`<h3>Exemptions</h3>${found.length ? table({
    label: "Exemptions",
    items: found,
    key: (one) => `${one.assignment_id}|${one.category}|${one.created_by}|${one.expires_at}|${one.count}`,
    columns: [
      { title: "Assignment", isHead: true, cell: (one) => clamped(one.assignment_name) },
      { title: "Category", cell: (one) => html`${name(one.category)}${one.count > 1 ? html`<small>the first of ${number(one.count)} to end</small>` : nothing}` },
      { title: "By", cell: (one) => clamped(one.created_by) },
      { title: "Expires", cell: (one) => moment(one.expires_at, "without an end") },
      { title: "Told from", cell: (one) => moment(one.first.time) },
      { title: "until", cell: (one) => moment(one.last.time) },
      { title: "Evidence", cell: proof },
    ],
  }) : empty("None was told in this period.", "")}`;
}

function evidence({ evidence: queries, timespan }) {
  return html`<h3>How to check this report</h3>
    <p>Run these queries over the time span ${timespan} in the workspace's Logs (or with the API's role Compliance.Query). They return the rows that
      this report is made of; the ids of runs are in the column Run_id of each table.</p>
    ${queries.map((query) => html`<details open><summary>${query.name} <small class="quiet">${query.tables.join(", ")}</small></summary><pre dir="ltr">${query.kql}</pre></details>`)}`;
}
