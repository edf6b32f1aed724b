// Customers: filtered, sorted and paged by the API, so that it stays quick with thousands of them.

import { html } from "../vendor/lit-html/lit-html.js";
import { address, APPLICATIONS } from "../data.js";
import { moment } from "../moments.js";
import { choice, filters, narrow } from "../filters.js";
import { customer, empty, exportLink, more, noRun, panel, planLink, status, table } from "../parts.js";
import { addressOf } from "../router.js";
import { number } from "../words.js";

export const STEP = 100;
const TROUBLE = "trouble";
const FIELDS = ["search", "status", "plan", "plan_version", "subscription"];
const SORTS = [["customer", "Customer, A to Z"], ["-customer", "Customer, Z to A"], ["status", "Status"], ["-noncompliant", "Most violations"],
  ["last_read", "Read longest ago"]];

export function customers({ router, store, plans }) {
  const { status: wanted, plan, plan_version: version, subscription, search, sort = TROUBLE } = router.state;
  const parameters = { status: wanted, plan, plan_version: version, subscription, search, sort };
  const shown = router.shown(STEP);
  const entry = store.list("customers", APPLICATIONS, parameters, "applications", shown);
  return panel({
    id: "customers",
    title: "Customers",
    entry,
    tools: exportLink(address(APPLICATIONS, { ...parameters, format: "csv" })),
    // Where rows are no longer columns, there is no heading to sort by.
    filters: filters({ router, plans, label: "Customers", fields: FIELDS,
      more: narrow() ? choice({ router, field: "sort", title: "Sort by", options: SORTS, otherwise: "Trouble" }) : undefined }),
    body: (answer) => (answer.as_of ? listed(answer, { router, sort }) : noRun()),
  });
}

function listed(answer, { router, sort }) {
  if (!answer.total) {
    return empty("No customer matches these filters.", html`<a href=${addressOf({ view: "customers" })}>Clear the filters</a> to see every customer.`);
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
      { title: "Plan", kind: "short", cell: (one) => planLink(one.plan) },
    ],
  })}${more(router, answer, "applications", STEP)}`;
}

// Without a readable result there is no number, not even zero; of who cannot be read it is that of the last read.
export function violations(one) {
  if (one.last_known === "unknown" || one.last_known === "not_evaluated") return "–";
  return html`${number(one.states.noncompliant)}${one.status === "unread" && one.states.noncompliant !== null
    ? html`<small>when last read</small>` : ""}`;
}
