// Guard changes: assignments that were deleted, weakened or changed, so that they judge less than the plan meant them to.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { distance, moment } from "../moments.js";
import { filters, narrowed } from "../filters.js";
import { clamped, customer, empty, exportLink, marks, more, name, noRun, panel, planLink, table } from "../parts.js";
import { addressOf } from "../router.js";
import { guardWord } from "../words.js";
import { FINDINGS, GUARD, keyOf } from "./findings.js";

const STEP = 100;
const FIELDS = ["search", "plan", "plan_version", "assignment", "subscription"];

export function guard({ router, store, plans, now }) {
  const { plan, plan_version: version, subscription, assignment, search } = router.state;
  const parameters = { kind: GUARD, plan, plan_version: version, subscription, assignment, search };
  const entry = store.list("guard", FINDINGS, parameters, "findings", router.shown(STEP));
  return panel({
    id: "guard",
    title: "Guard changes",
    note: "policy assignments that differ from their baseline",
    entry,
    tools: exportLink(address(FINDINGS, { ...parameters, format: "csv" })),
    filters: filters({ router, plans, label: "Guard changes", fields: FIELDS }),
    body: (answer) => html`
      ${!answer.as_of ? noRun() : answer.total ? html`${listed(answer, { router, now })}${more(router, answer, "findings", STEP)}`
        : narrowed(router.state, FIELDS) ? empty("No guard change matches.", html`<a href=${addressOf({ view: "guard" })}>Clear the filters</a> to see every one.`)
          : empty("No assignment differs from its baseline.", html`As far as the collector may read them; what it could not compare stands
            under <a href=${addressOf({ view: "exemptions" })}>Exemptions</a> and <a href=${addressOf({ view: "alerts" })}>Alert rules</a>.`)}`,
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
      { title: "Plan", kind: "short", cell: (one) => planLink(one.plan) },
    ],
  });
}
