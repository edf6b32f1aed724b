// The first screen: who is in trouble now; then the fleet in figures, each of which is a filter; then the trend.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { trend } from "../chart.js";
import { narrow } from "../filters.js";
import { empty, noRun, panel } from "../parts.js";
import { counted, lastKnown, number, percent, SEVERITY_WORDS, STATUS_WORDS, STATUSES } from "../words.js";
import { addressOf } from "../router.js";
import { FINDINGS, findingsTable } from "./findings.js";

const WIDE_ROWS = 50;
const NARROW_ROWS = 8;
const SMALLEST_CHART = 240;

export function now(context) {
  return html`<div class="first-screen">${trouble(context)}${figures(context)}${history(context)}</div>`;
}

function trouble({ router, store, fleet, now: time }) {
  const entry = store.list("trouble", FINDINGS, {}, "findings", narrow() ? NARROW_ROWS : WIDE_ROWS);
  return panel({
    id: "trouble",
    kind: "trouble",
    title: "In trouble now",
    entry,
    tools: html`<a href=${addressOf({ view: "findings", since: "P1D" })} class="no-print">Resolved since yesterday</a>`,
    body: (answer) => {
      if (!answer.as_of) return noRun();
      if (!answer.total) return nothingOpen(fleet.data);
      return html`${headline(answer, { router, fleet: fleet.data })}
        ${findingsTable(answer.findings, { router, now: time, label: "Open findings" })}
        ${answer.total > answer.findings.length
          ? html`<p class="more"><a class="button" href=${addressOf({ view: "findings" })}>Show all ${number(answer.total)} findings</a></p>` : nothing}`;
    },
  });
}

// No finding is an all-clear only where every application was read and complies, by the publisher's own checks too.
function nothingOpen(fleet) {
  if (!fleet) return empty("No finding is open.", "The figures that would say whether this is an all-clear are not here.");
  const { total, compliant, unread, not_evaluated: notEvaluated } = fleet.applications;
  if (!total) return empty("No application is registered.", "Once a customer deploys, it stands here: see the documentation on notifications and discovery.");
  const doubtful = fleet.checks.doubtful;
  if (compliant === total && doubtful) {
    return empty("No finding is open, but this is no all-clear.", html`Every application was read, and none is in breach; own checks of
      <a href=${addressOf({ view: "customers" })}>${counted(doubtful, "application")}</a> have no answer.`);
  }
  if (compliant === total) {
    return empty("No finding is open.", `Every application was read and complies: ${number(total)} of ${number(total)}. What opens from now on stands here first.`);
  }
  return empty("No finding is open, but this is no all-clear.", html`<a href=${addressOf({ view: "customers", status: "unread" })}
    >${number(unread)} could not be read</a>, <a href=${addressOf({ view: "customers", status: "not_evaluated" })}>${number(notEvaluated)} not evaluated</a>.`);
}

function headline(answer, { router, fleet }) {
  const { applications, new: fresh, held, overdue } = answer.counts;
  const link = (changes, text) => html`<a href=${router.change({ view: "findings", ...changes })}>${text}</a>`;
  return html`<p class="headline"><strong>${counted(answer.total, "finding")}</strong> at <strong>${counted(applications, "application")}</strong>${overdue.total
    ? html`, <strong>${link({ overdue: "true" }, `${number(overdue.total)} overdue`)}</strong> (${lateBySeverity(overdue)})` : nothing}${fresh ? html`, ${link({ new: "true" }, `${number(fresh)} new since yesterday`)}` : nothing}${held
    ? html`, ${number(held)} held` : nothing}${fleet?.applications.unread ? html`; <a href=${addressOf({ view: "customers", status: "unread" })}
    >${counted(fleet.applications.unread, "application")} could not be read</a>` : nothing}.</p>`;
}

// Overdue findings by how severe they are, the worst first.
const lateBySeverity = (overdue) => Object.keys(SEVERITY_WORDS).filter((severity) => overdue[severity])
  .map((severity) => `${number(overdue[severity])} ${severity}`).join(", ");

function figures({ fleet }) {
  return panel({
    id: "fleet",
    kind: "figures",
    title: "Fleet",
    entry: fleet,
    body: (answer) => {
      const known = answer.as_of !== null;
      const count = (value) => (known ? number(value) : "–");
      const unread = answer.unread_last_known ?? {};
      const notes = {
        // Who was fine when last read may not be now: that is no comfort to give.
        unread: known && answer.applications.unread
          ? ["noncompliant", "unknown"].filter((kind) => unread[kind])
            .map((kind) => `${number(unread[kind])} ${lastKnown(kind)}`).join(", ") : "",
        noncompliant: known && answer.states.noncompliant ? counted(answer.states.noncompliant, "open violation") : "",
        total: "registered",
      };
      const tiles = [
        ...STATUSES.map((kind) => [kind, STATUS_WORDS[kind], count(answer.applications[kind]), { status: kind }]),
        ["total", "Applications", count(answer.applications.total), {}],
        ["share", "Compliant share", known ? percent(answer.compliant_share) : "–", { status: "compliant" }],
      ];
      return html`<div class="tiles">${tiles.map(([kind, title, value, filter]) => html`<a
        href=${addressOf({ view: "customers", ...filter })}><span class="name">${title}</span>
        <span class="value ${known && answer.applications[kind] && STATUSES.includes(kind) ? kind : ""}" data-tile=${kind}>${value}</span>
        ${notes[kind] ? html`<span class="note">${notes[kind]}</span>` : nothing}</a>`)}</div>${known ? checked(answer.checks) : nothing}`;
    },
  });
}

// What the publisher's own checks say stands beside the figures of Azure Policy, and is no part of them.
function checked({ applications, noncompliant, doubtful, violations }) {
  if (!applications) return nothing;
  return html`<p class="quiet" data-checks>Own checks judge ${counted(applications, "application")}: <a
    href=${addressOf({ view: "findings", judged_by: "PublisherCheck" })}>${counted(violations, "open violation")} at ${number(noncompliant)}</a>${doubtful
    ? `, ${number(doubtful)} with a check that has no answer` : ""}.</p>`;
}

// The width of the place where the chart stands or will stand; where nothing stands yet, it is drawn again once something does.
function chartWidth(redraw) {
  const width = document.querySelector("#trend :is(.trend-chart, [role=status])")?.clientWidth;
  if (!width) redraw();
  return Math.max(SMALLEST_CHART, width ?? 0);
}

function history({ store, now: time, redraw }) {
  const entry = store.one("history", "/api/compliance/history");
  return panel({
    id: "trend",
    kind: "trend",
    title: "Two weeks",
    note: "applications in trouble, run by run",
    entry,
    body: (answer) => (answer.history.length
      ? trend(answer, { now: time, redraw, width: chartWidth(redraw) })
      : empty("No completed run in the last two weeks.", "The collector is silent, or was never started: see Collector.")),
  });
}
