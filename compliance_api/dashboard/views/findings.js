// Findings: what is wrong, one row for each application and assignment, the worst and oldest first.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { distance, moment, utc } from "../moments.js";
import { choice, filters, KINDS, narrowed } from "../filters.js";
import { clamped, customer, empty, exportLink, marks, more, name, noRun, panel, planLink, severity, table } from "../parts.js";
import { addressOf } from "../router.js";
import { resolved } from "./resolved.js";
import { counted, guardWord, heldWord, number, outcome } from "../words.js";

export const FINDINGS = "/api/compliance/findings";
const STEP = 100;
const FIELDS = ["search", "kind", "severity", "judged_by", "plan", "plan_version", "assignment", "subscription"];
export const GUARD = "guard_changed";

// One finding for each application, assignment and kind.
export const keyOf = (one) => `${one.kind}|${one.application.id}|${one.assignment?.id ?? ""}`;

// Open or resolved, and within which time: each a link.
function tabs(router) {
  const listed = [["Open", {}], ["Overdue", { overdue: "true" }], ["New since yesterday", { new: "true" }], ["Resolved since yesterday", { since: "P1D" }], ["Resolved in a week", { since: "P7D" }]];
  const { state } = router;
  const isHere = (changes) => ["since", "new", "overdue"].every((field) => (state[field] ?? "") === (changes[field] ?? ""));
  return html`<ul class="chips">${listed.map(([title, changes]) => html`<li><a href=${router.change({ since: null, new: null, overdue: null, ...changes })}
    aria-current=${isHere(changes) ? "true" : nothing}>${title}</a></li>`)}</ul>`;
}

export function findings(context) {
  const { router, store, plans, now } = context;
  if (router.state.since) return resolved(context, tabs(router));
  const { kind, severity: wanted, judged_by: judge, plan, plan_version: version, subscription, assignment, search, overdue, sort } = router.state;
  const parameters = { kind, severity: wanted, judged_by: judge, plan, plan_version: version, subscription, assignment, search, new: router.state.new, overdue, sort };
  const entry = store.list("findings", FINDINGS, parameters, "findings", router.shown(STEP));
  return panel({
    id: "findings",
    title: "Open findings",
    entry,
    tools: exportLink(address(FINDINGS, { ...parameters, format: "csv" })),
    filters: html`${tabs(router)}${filters({ router, plans, label: "Findings", fields: FIELDS, more: order(router) })}`,
    body: (answer) => html`
      ${!answer.as_of ? noRun() : answer.total
        ? html`${findingsTable(answer.findings, { router, now, label: "Open findings", total: answer.total })}${more(router, answer, "findings", STEP)}`
        : !narrowed(router.state, [...FIELDS, "new", "overdue"]) ? empty("No finding is open.", html`Whether that is an all-clear stands under <a
            href=${addressOf({})}>Now</a>.`)
        : empty("No open finding matches.", html`<a href=${addressOf({ view: "findings" })}>Clear the filters</a> to see every open finding.`)}`,
  });
}

const order = (router) => choice({ router, field: "sort", title: "Order", options: [["due_by", "By due date"]], otherwise: "Overdue first" });

export function findingsTable(listed, { router, now, label, total }) {
  return table({
    label,
    kind: "findings",
    caption: total ? `${counted(listed.length, "finding")} of ${number(total)}` : null,
    items: listed,
    key: keyOf,
    columns: [
      { title: "Sev", kind: "severity-column", isHead: true, cell: (one) => html`<a class="rule-link" href=${addressOf({ view: "alerts" })}>${severity(one.severity)}</a>` },
      { title: "Customer", kind: "wide", isHead: true, cell: (one) => customer(router, { id: one.application.id, name: one.application.name, customer: one.customer }) },
      { title: "What is wrong", kind: "what", isHead: true, cell: (one) => what(one) },
      { title: "Plan", kind: "short", cell: (one) => planLink(one.plan) },
      { title: "Since", isHead: true, kind: "time", cell: (one) => html`${distance(one.since, now) || "not known"}${one.since ? html` <small>${moment(one.since)}</small>` : nothing}${due(one)}` },
    ],
  });
}

// That a finding is overdue is a mark of its own.
const due = (one) => (one.due_by && !one.is_overdue ? html` <small class="due">due ${utc(one.due_by)}</small>` : nothing);

function what(one) {
  const violations = [
    one.kind === "noncompliant" && one.violations !== null ? counted(one.violations, "violation") : "",
    one.violation_severity ?? "",
  ].filter(Boolean).join(", ");
  const more = [
    one.kind === GUARD ? guardWord(one.reason) : one.kind === "unread" || one.kind === "left_unconfirmed" ? outcome(one.reason) : "",
    one.held ? `held: ${heldWord(one.held.reason)}` : "",
    one.accepted_by ? `accepted by ${one.accepted_by}: ${one.accepted_reason}` : "",
    one.opened_in_version && one.opened_in_version !== one.plan?.version ? `since version ${one.opened_in_version}` : "",
    one.kind === "unread" || one.unread_since ? (one.last_read ? `last read ${utc(one.last_read)}` : "never read") : "",
  ].filter(Boolean);
  return html`<span class=${one.kind === "noncompliant" || one.kind === GUARD ? "status noncompliant" : "status unread"}>${KINDS[one.kind] ?? one.kind}</span>
    ${violations ? html`<span class="quiet">${violations}</span>` : nothing} ${marks(one)}
    ${one.assignment ? html`<small><a href=${addressOf({ view: "findings", assignment: one.assignment.name })}>${clamped(one.assignment.name)}</a></small>` : nothing}
    ${more.length ? html`<small>${name(more.join("; "))}</small>` : nothing}
    ${one.details && one.kind !== "noncompliant" ? html`<small>${clamped(one.details)}</small>` : nothing}`;
}
