// Exemptions: what is not judged, who decided that, and until when; what ends first stands first.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { distance, moment } from "../moments.js";
import { filters, narrowed } from "../filters.js";
import { clamped, customer, empty, exportLink, more, name, noRun, panel, planLink, table } from "../parts.js";
import { addressOf } from "../router.js";
import { number } from "../words.js";

export const EXEMPTIONS = "/api/compliance/exemptions";
const STEP = 100;
const FIELDS = ["search", "plan", "plan_version", "assignment", "subscription"];
const SOON_DAYS = 14;
const DAY_MILLISECONDS = 86_400_000;

export function exemptions({ router, store, plans, now }) {
  const { plan, plan_version: version, subscription, assignment, search } = router.state;
  const parameters = { plan, plan_version: version, subscription, assignment, search };
  const entry = store.list("exemptions", EXEMPTIONS, parameters, "exemptions", router.shown(STEP));
  return panel({
    id: "exemptions",
    title: "Exemptions",
    note: "customers' own, and the publisher's",
    entry,
    tools: exportLink(address(EXEMPTIONS, { ...parameters, format: "csv" })),
    filters: filters({ router, plans, label: "Exemptions", fields: FIELDS }),
    body: (answer) => html`
      ${!answer.as_of ? noRun() : answer.total ? html`${listed(answer, { router, now })}${more(router, answer, "exemptions", STEP)}`
        : narrowed(router.state, FIELDS) ? empty("No exemption matches.", html`<a href=${addressOf({ view: "exemptions" })}>Clear the filters</a> to see every one.`)
          : empty("No exemption is in force.", "Every assignment is judged at every customer that could be compared.")}`,
  });
}

function listed(answer, { router, now }) {
  return table({
    label: "Exemptions",
    items: answer.exemptions,
    key: (one) => `${one.application.id}|${one.assignment.id}`,
    columns: [
      { title: "Expires", kind: "time", isHead: true, cell: (one) => expiry(one, now) },
      { title: "Customer", isHead: true, cell: (one) => customer(router, { ...one.application, customer: one.customer }) },
      { title: "Assignment", cell: (one) => html`<a href=${addressOf({ view: "findings", assignment: one.assignment.name })}>${clamped(one.assignment.name)}</a>` },
      { title: "Category", cell: (one) => html`${name(one.category)}${one.count > 1 ? html`<small>the first of ${number(one.count)} to end</small>` : nothing}` },
      { title: "By", cell: (one) => clamped(one.created_by) },
      { title: "Accepted", cell: (one) => accepted(one) },
      { title: "Exempt states", kind: "number", cell: (one) => number(one.exempt_states) },
      { title: "Plan", kind: "short", cell: (one) => planLink(one.plan) },
    ],
  });
}

// By whom it is accepted, and until when: alarms tell of it anew then.
function accepted(one) {
  if (!one.accepted_by) return "–";
  return html`${clamped(one.accepted_by)}${one.accepted_until ? html`<small>until ${moment(one.accepted_until)}</small>` : nothing}`;
}

function expiry(one, now) {
  if (!one.expires_at) return "without an end";
  const left = Date.parse(one.expires_at) - now;
  const word = one.is_expired || left < 0 ? html`<span class="status noncompliant">expired ${distance(one.expires_at, now)} ago</span>`
    : html`<span class=${left < SOON_DAYS * DAY_MILLISECONDS ? "status unread" : ""}>${distance(one.expires_at, now)}</span>`;
  return html`${word}<small>${moment(one.expires_at)}</small>`;
}
