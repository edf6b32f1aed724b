// Guard changes: assignments that were deleted, weakened or changed, so that they judge less than the plan meant them to.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { distance, moment } from "../moments.js";
import { choice, clamped, customer, empty, marks, more, name, noRun, panel, table, textFilter } from "../parts.js";
import { addressOf } from "../router.js";
import { guardWord, planText } from "../words.js";
import { FINDINGS, GUARD, keyOf } from "./findings.js";

const STEP = 100;

export function guard({ router, store, plans, now }) {
  const { plan, plan_version: version, subscription, assignment, search } = router.state;
  const parameters = { kind: GUARD, plan, plan_version: version, subscription, assignment, search };
  const entry = store.list("guard", FINDINGS, parameters, "findings", Number(router.state.shown) || STEP);
  return panel({
    id: "guard",
    title: "Guard changes",
    note: "policy assignments that differ from their baseline",
    entry,
    tools: html`<a class="button no-print" href=${address(FINDINGS, { ...parameters, format: "csv" })} download>Export CSV</a>`,
    body: (answer) => html`
      <form class="filters" role="search" aria-label="Guard changes" @submit=${(event) => event.preventDefault()}>
        ${textFilter({ router, field: "search", title: "Search" })}
        ${choice({ router, field: "plan", title: "Plan", options: plans })}
        ${textFilter({ router, field: "assignment", title: "Assignment", kind: "" })}
        <a class="button quiet-button" href=${addressOf({ view: "guard" })}>Clear</a></form>
      ${!answer.as_of ? noRun() : answer.total ? html`${listed(answer, { router, now })}${more(router, answer, "findings", STEP)}`
        : empty("No assignment differs from its baseline.", "As far as the collector may read them; what it could not compare stands under Exemptions and Alert rules.")}`,
  });
}

function listed(answer, { router, now }) {
  return table({
    label: "Guard changes",
    items: answer.findings,
    key: keyOf,
    columns: [
      { title: "Customer", isHead: true, cell: (one) => customer(router, { ...one.application, customer: one.customer }) },
      { title: "Assignment", cell: (one) => html`<a href=${addressOf({ view: "findings", assignment: one.assignment?.name })}>${clamped(one.assignment?.name)}</a>` },
      { title: "What happened", cell: (one) => html`<strong>${guardWord(one.reason)}</strong> ${marks(one)}${one.details ? html`<small>${name(one.details)}</small>` : nothing}` },
      { title: "Since", kind: "time", cell: (one) => html`${distance(one.since, now)}<small>${moment(one.since)}</small>` },
      { title: "Plan", kind: "short", cell: (one) => html`<a href=${addressOf({ view: "plans", plan: one.plan?.name })}>${clamped(planText(one.plan))}</a>` },
    ],
  });
}
