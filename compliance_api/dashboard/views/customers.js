// Customers: filtered, sorted and paged by the API, so that it stays quick with thousands of them.

import { html } from "../vendor/lit-html/lit-html.js";
import { address, APPLICATIONS } from "../data.js";
import { moment } from "../moments.js";
import { choice, clamped, customer, empty, more, noRun, panel, status, table, textFilter } from "../parts.js";
import { number, planText, STATUS_WORDS } from "../words.js";

export const STEP = 100;
const TROUBLE = "trouble";

export function customers({ router, store, plans }) {
  const { status: wanted, plan, plan_version: version, subscription, search, sort = TROUBLE } = router.state;
  const parameters = { status: wanted, plan, plan_version: version, subscription, search, sort };
  const shown = Number(router.state.shown) || STEP;
  const entry = store.list("customers", APPLICATIONS, parameters, "applications", shown);
  return html`${panel({
    id: "customers",
    title: "Customers",
    entry,
    tools: html`<a class="button no-print" id="export" href=${address(APPLICATIONS, { ...parameters, format: "csv" })} download>Export CSV</a>`,
    body: (answer) => html`
      <form class="filters" role="search" aria-label="Customers" @submit=${(event) => event.preventDefault()}>
        ${textFilter({ router, field: "search", title: "Search customer, application or id" })}
        ${choice({ router, field: "status", title: "Status", options: Object.entries(STATUS_WORDS) })}
        ${choice({ router, field: "plan", title: "Plan", options: plans })}
        ${textFilter({ router, field: "plan_version", title: "Plan version", longest: 64, kind: "" })}
        ${textFilter({ router, field: "subscription", title: "Subscription id", longest: 36, kind: "" })}
        <a class="button quiet-button" href=${router.change({ status: null, plan: null, plan_version: null, subscription: null, search: null, sort: null })}>Clear</a>
      </form>
      ${answer.as_of ? listed(answer, { router, sort }) : noRun()}`,
  })}`;
}

function listed(answer, { router, sort }) {
  if (!answer.total) {
    return empty("No customer matches these filters.", html`<a href=${router.change({ status: null, plan: null,
      plan_version: null, subscription: null, search: null })}>Clear the filters</a> to see every customer.`);
  }
  return html`${table({
    label: "Customers",
    caption: `1–${number(answer.applications.length)} of ${number(answer.total)} customers`,
    items: answer.applications,
    key: (one) => one.id,
    sorted: sort,
    sortAddress: (name) => router.change({ sort: name === TROUBLE ? null : name }),
    columns: [
      { title: "Customer", kind: "wide", sort: "customer", isHead: true, cell: (one) => customer(router, one) },
      { title: "Status", sort: "status", cell: status },
      { title: "Violations", sort: "noncompliant", kind: "number", cell: violations },
      { title: "Not compliant since", kind: "time", cell: (one) => moment(one.noncompliant_since) },
      { title: "Last read", kind: "time", sort: "last_read", cell: (one) => moment(one.last_read, "never") },
      { title: "Plan", kind: "short", cell: (one) => clamped(one.plan ? planText(one.plan) : "") },
    ],
  })}${more(router, answer, "applications", STEP)}`;
}

// Without a readable result there is no number, not even zero; of who cannot be read it is that of the last read.
export function violations(one) {
  if (one.last_known === "unknown" || one.last_known === "not_evaluated") return "–";
  return html`${number(one.states.noncompliant)}${one.status === "unread" && one.states.noncompliant !== null
    ? html`<small>when last read</small>` : ""}`;
}
