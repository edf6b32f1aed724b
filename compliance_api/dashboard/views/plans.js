// Plans: which version broke how many customers, and by which policy assignment.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address } from "../data.js";
import { utc } from "../moments.js";
import { filters } from "../filters.js";
import { clamped, empty, exportLink, judge, name, noRun, panel, table } from "../parts.js";
import { addressOf } from "../router.js";
import { beforeWord, counted, number, percent } from "../words.js";

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
      { title: "Compliant share", kind: "number", cell: (plan) => html`${percent(plan.compliant_share)}${ofRead(plan)}${budget(plan.error_budget)}` },
      { title: "Broken by", cell: brokenBy },
    ],
  })}`;
}

// How much of the time that may be noncompliant is left; of a budget that nobody can judge no share is told.
const BUDGET_WORDS = { exhausted: "budget used up", not_known: "budget not known" };

const budget = ({ state, remaining_share: left, objective, period, application_hours: hours }) => html`<small class=${state === "exhausted" ? "noncompliant" : nothing}
  title=${`${objective} % of the time since ${utc(period.from)} is to be compliant`}>${BUDGET_WORDS[state] ?? `${percent(left)} of budget left`}</small>${unknownTime(hours)}`;

// Time of which nobody knows burns no budget, and is told beside it.
const UNKNOWN = ["unread", "not_evaluated", "not_reported", "no_run"];

function unknownTime(hours) {
  const unknown = UNKNOWN.reduce((sum, kind) => sum + hours[kind], 0);
  return unknown ? html`<small>${percent(Math.ceil((1000 * unknown) / hours.total) / 10)} of the time not known</small>` : nothing;
}

// The share of those that could be read, where some could not be.
const ofRead = (plan) => (plan.applications.unread
  ? html`<small>${plan.compliant_share_of_read === null ? "none could be read" : `${percent(plan.compliant_share_of_read)} of those read`}</small>` : nothing);

// Since which version those are violated that are: this one, or one before.
function sinceVersion(one) {
  const parts = [
    one.opened_in_this_version ? `${number(one.opened_in_this_version)} since this version` : "",
    one.opened_before ? `${number(one.opened_before)} since an earlier one` : "",
    one.opened_in_unknown_version && (one.opened_in_this_version || one.opened_before) ? `${number(one.opened_in_unknown_version)} not known since which` : "",
  ].filter(Boolean);
  if (!parts.length) return "";
  return one.opened_in_this_version === one.noncompliant ? " since this version" : ` (${parts.join(", ")})`;
}

// In which version of the plan an assignment was first violated, and how it stood in the one before.
const introduction = ({ introduced_in: first }) => (first ? html`, began in <bdi>${first.version}</bdi>${first.previous_version
  ? html`; <bdi>${first.previous_version}</bdi> ${beforeWord(first.previous_state)}` : nothing}` : nothing);

// The assignments of a plan version that are violated somewhere, the worst first.
function brokenBy(plan) {
  const broken = plan.assignments.filter((one) => one.noncompliant || one.guard_changed || one.not_evaluated);
  if (!broken.length) return html`<span class="quiet">none of ${counted(plan.assignments.length, "assignment")}</span>`;
  return html`<ul class="plain">${broken.map((one) => html`<li>
    <a href=${addressOf({ view: "findings", ...filterOf(plan), assignment: one.name })}>${clamped(one.display_name || one.name)}</a> ${judge(one)}
    <small>${[one.noncompliant ? `${counted(one.noncompliant, "customer")} not compliant${sinceVersion(one)}` : "",
    one.overdue ? `${number(one.overdue)} overdue` : "",
    one.held ? `${number(one.held)} held` : "",
    one.guard_changed ? `${number(one.guard_changed)} guard changed` : "",
    one.not_evaluated ? `${number(one.not_evaluated)} not evaluated` : ""].filter(Boolean).join(", ")}${one.noncompliant_since ? html`, the first since ${utc(one.noncompliant_since)}` : nothing}${one.noncompliant ? introduction(one) : nothing}</small></li>`)}</ul>`;
}
