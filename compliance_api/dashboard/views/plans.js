// Plans: which version broke how many customers, and by which policy assignment.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { utc } from "../moments.js";
import { filters } from "../filters.js";
import { clamped, empty, exportLink, judge, name, noRun, panel, table } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, number, percent } from "../words.js";

export const PLANS = "/api/compliance/plans";

export function plans({ router, store, plans: known }) {
  const { plan, plan_version: version } = router.state;
  const parameters = { plan };
  const entry = store.one("plans", PLANS, parameters);
  return panel({
    id: "plans",
    title: "Plans and versions",
    entry,
    tools: exportLink(address(PLANS, { ...parameters, format: "csv" })),
    filters: filters({ router, plans: known, label: "Plans", fields: ["plan", "plan_version"] }),
    body: (answer) => html`
      ${!answer.as_of ? noRun() : !wanted(answer.plans, version).length ? empty("No plan matches.", html`<a href=${addressOf({ view: "plans" })}>Show every plan</a>.`) : listed(wanted(answer.plans, version))}`,
  });
}

const wanted = (listed, version) => (version ? listed.filter(({ plan }) => plan?.version === version) : listed);

const filterOf = ({ plan }) => ({ plan: plan?.name, plan_version: plan?.version });

function listed(versions) {
  // What belongs to no plan cannot be asked for by plan.
  const count = (field, status) => (plan) => (plan.plan && plan.applications[field]
    ? html`<a href=${addressOf({ view: "customers", status, ...filterOf(plan) })}>${number(plan.applications[field])}</a>` : number(plan.applications[field]));
  return html`${table({
    label: "Plan versions",
    items: versions,
    key: ({ plan }) => `${plan?.name}|${plan?.version}`,
    columns: [
      { title: "Plan", kind: "plan", isHead: true, cell: ({ plan }) => (plan ? html`${clamped(plan.name)}<small>${name(plan.version, "")}</small>` : "no plan (service catalog)") },
      { title: "Applications", kind: "number", cell: count("total") },
      { title: "Not compliant", kind: "number", cell: count("noncompliant", "noncompliant") },
      { title: "Could not be read", kind: "number", cell: count("unread", "unread") },
      { title: "Not evaluated", kind: "number", cell: count("not_evaluated", "not_evaluated") },
      { title: "Compliant share", kind: "number", cell: (plan) => html`${percent(plan.compliant_share)}${budget(plan.error_budget)}` },
      { title: "Broken by", cell: brokenBy },
    ],
  })}`;
}

// How much of the time that may be noncompliant is left; of a budget that nobody can judge no share is told.
const BUDGET_WORDS = { exhausted: "budget used up", not_known: "budget not known" };

const budget = ({ state, remaining_share: left, objective, period }) => html`<small class=${state === "exhausted" ? "noncompliant" : nothing}
  title=${`${objective} % of the time since ${utc(period.from)} is to be compliant`}>${BUDGET_WORDS[state] ?? `${percent(left)} of budget left`}</small>`;

// The assignments of a plan version that are violated somewhere, the worst first.
function brokenBy(plan) {
  const broken = plan.assignments.filter((one) => one.noncompliant || one.guard_changed || one.not_evaluated);
  if (!broken.length) return html`<span class="quiet">none of ${counted(plan.assignments.length, "assignment")}</span>`;
  return html`<ul class="plain">${broken.map((one) => html`<li>
    <a href=${addressOf({ view: "findings", ...filterOf(plan), assignment: one.name })}>${clamped(one.display_name || one.name)}</a> ${judge(one)}
    <small>${[one.noncompliant ? `${counted(one.noncompliant, "customer")} not compliant` : "",
    one.held ? `${number(one.held)} held` : "",
    one.guard_changed ? `${number(one.guard_changed)} guard changed` : "",
    one.not_evaluated ? `${number(one.not_evaluated)} not evaluated` : ""].filter(Boolean).join(", ")}${one.noncompliant_since ? html`, the first since ${utc(one.noncompliant_since)}` : nothing}</small></li>`)}</ul>`;
}
