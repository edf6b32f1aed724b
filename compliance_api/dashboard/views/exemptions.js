// Exemptions: what is not judged, who decided that, and until when; what ends first stands first.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { distance, moment } from "../moments.js";
import { choice, clamped, customer, empty, more, name, noRun, panel, table, textFilter } from "../parts.js";
import { addressOf } from "../router.js";
import { number, planText } from "../words.js";

export const EXEMPTIONS = "/api/compliance/exemptions";
const STEP = 100;
const SOON_DAYS = 14;
const DAY_MILLISECONDS = 86_400_000;

export function exemptions({ router, store, plans, now }) {
  const { plan, plan_version: version, subscription, assignment, search } = router.state;
  const parameters = { plan, plan_version: version, subscription, assignment, search };
  const entry = store.list("exemptions", EXEMPTIONS, parameters, "exemptions", Number(router.state.shown) || STEP);
  return panel({
    id: "exemptions",
    title: "Exemptions",
    note: "customers' own, and the publisher's",
    entry,
    tools: html`<a class="button no-print" href=${address(EXEMPTIONS, { ...parameters, format: "csv" })} download>Export CSV</a>`,
    body: (answer) => html`
      <form class="filters" role="search" aria-label="Exemptions" @submit=${(event) => event.preventDefault()}>
        ${textFilter({ router, field: "search", title: "Search" })}
        ${choice({ router, field: "plan", title: "Plan", options: plans })}
        ${textFilter({ router, field: "assignment", title: "Assignment", kind: "" })}
        ${textFilter({ router, field: "subscription", title: "Subscription id", longest: 36, kind: "" })}
        <a class="button quiet-button" href=${addressOf({ view: "exemptions" })}>Clear</a></form>
      ${!answer.as_of ? noRun() : answer.total ? html`${listed(answer, { router, now })}${more(router, answer, "exemptions", STEP)}`
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
      { title: "Exempt states", kind: "number", cell: (one) => number(one.exempt_states) },
      { title: "Plan", cell: (one) => clamped(planText(one.plan)) },
    ],
  });
}

function expiry(one, now) {
  if (!one.expires_at) return "without an end";
  const left = Date.parse(one.expires_at) - now;
  const word = one.is_expired || left < 0 ? html`<span class="status noncompliant">expired ${distance(one.expires_at, now)} ago</span>`
    : html`<span class=${left < SOON_DAYS * DAY_MILLISECONDS ? "status unread" : ""}>${distance(one.expires_at, now)}</span>`;
  return html`${word}<small>${moment(one.expires_at)}</small>`;
}
