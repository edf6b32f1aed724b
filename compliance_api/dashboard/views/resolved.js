// What is not wrong any more: repaired as somebody has read, left, or retired. What could not be read is never among it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { age, distance, moment } from "../moments.js";
import { filters, narrowed } from "../filters.js";
import { clamped, customer, empty, exportLink, judge, more, name, noRun, panel, planLink, table } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, number } from "../words.js";

const RESOLVED = "/api/compliance/resolved";
const STEP = 100;
const FIELDS = ["search", "plan", "plan_version", "assignment", "subscription"];
const HOW = { compliant: "Read as repaired, or its resource as gone", left: "The application left", retired: "Retired: no longer part of the plan version" };

// `tabs`: the way back to what is open.
export function resolved({ router, store, plans, now }, tabs) {
  const { since: timespan, plan, plan_version: version, subscription, assignment, search } = router.state;
  const parameters = { timespan, plan, plan_version: version, subscription, assignment, search };
  const entry = store.list("resolved", RESOLVED, parameters, "resolved", router.shown(STEP));
  return panel({
    id: "resolved",
    title: "Resolved",
    entry,
    tools: exportLink(address(RESOLVED, { ...parameters, format: "csv" })),
    filters: html`${tabs}${filters({ router, plans, label: "Resolved", fields: FIELDS })}`,
    body: (answer) => html`
      ${!answer.as_of ? noRun() : answer.total ? html`${listed(answer, { router, now })}${more(router, answer, "resolved", STEP)}`
        : narrowed(router.state, FIELDS) ? empty("Nothing that matches was resolved in this time.", html`<a
            href=${addressOf({ view: "findings", since: timespan })}>Clear the filters</a> to see everything that was.`)
          : empty("Nothing was resolved in this time.", "Violations end when somebody has read that they are repaired; what cannot be read stays open.")}`,
  });
}

function listed(answer, { router, now }) {
  return table({
    label: "Resolved",
    caption: `${counted(answer.resolved.length, "violated assignment")} of ${number(answer.total)}`,
    items: answer.resolved,
    key: (one) => `${one.application.id}|${one.assignment.id}`,
    columns: [
      { title: "Resolved", kind: "time", isHead: true, cell: (one) => html`${distance(one.resolved_at, now)} ago<small>${moment(one.resolved_at)}</small>` },
      { title: "Customer", kind: "wide", isHead: true, cell: (one) => (one.how === "left"
        ? html`${clamped(one.customer)}<small>${name(one.application.name)}</small>` : customer(router, { ...one.application, customer: one.customer })) },
      { title: "Assignment", cell: (one) => html`<a href=${addressOf({ view: "findings", assignment: one.assignment.name })}>${clamped(one.assignment.name)}</a> ${judge(one)}` },
      { title: "How", cell: (one) => html`${HOW[one.how]}${one.noncompliant_since ? html`<small>after ${age((Date.parse(one.resolved_at) - Date.parse(one.noncompliant_since)) / 1000)}</small>` : nothing}` },
      { title: "Plan", kind: "short", cell: (one) => planLink(one.plan) },
    ],
  });
}
