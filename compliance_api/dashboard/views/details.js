// One customer's application: how it stands, its assignments, and every resource that violates one.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { address, applicationPath, LARGEST_PAGE } from "../data.js";
import { moment, utc } from "../moments.js";
import { clamped, empty, exportLink, held, judge, more, name, outside, panel, planLink, reason, status, table } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, guardWord, isCheck, lastKnown, number, verdictWord } from "../words.js";
import { whyCommand } from "./why.js";

const STEP = 100;

export function details({ router, store }) {
  const id = router.state.open;
  const path = applicationPath(id);
  const entry = store.list(`details ${id}`, path, {}, "resources", router.shown(STEP, "resources"), "violations");
  const one = entry.data?.application;
  return html`
    <div class="bar"><h2 id="details-heading">${one ? html`${name(one.customer)} – ${name(one.name)}` : "Customer"}</h2>
      <button type="button" data-close>Close</button></div>
    <div class="body">
      ${entry.data ? html`${banners(one)}${facts(one)}` : nothing}
      ${panel({ id: "details-assignments", title: titleOf(entry.data?.assignments), entry, body: (answer) => assignments(answer.assignments, router) })}
      ${entry.data ? panel({ id: "details-violations", title: "Resources that are not compliant", entry,
        tools: entry.data.violations.total ? exportLink(address(path, { format: "csv" }), exportText(entry.data.violations)) : nothing,
        body: (answer) => violations(answer, router) }) : nothing}
    </div>`;
}

// A file has a page of them; its answer says in a header where the next one is.
const exportText = ({ total }) => (total > LARGEST_PAGE ? `Export the first ${number(LARGEST_PAGE)} as CSV` : undefined);

function banners(one) {
  if (one.reading.is_readable) return nothing;
  return html`<div class="banner"><p><strong>This customer could not be read</strong> since ${utc(one.reading.unread_since)}. ${reason(one.reading)}</p>
    <p>${known(one)}</p></div>`;
}

function known(one) {
  if (one.last_known === "unknown") return "It has never been read: nothing is known about this customer's compliance.";
  return one.last_read
    ? `What follows is what stood when it was last read (${utc(one.last_read)}): ${lastKnown(one.last_known)}.`
    : "It has never been read to the end: what follows is what was found on the way.";
}

function facts(one) {
  const listed = [
    ["Status", status(one)],
    ["Not compliant since", moment(one.noncompliant_since)],
    ["Due by", one.due_by ? html`${moment(one.due_by)}${one.overdue_assignments
      ? html` <span class="mark overdue">! ${counted(one.overdue_assignments, "assignment")} overdue</span>` : nothing}` : "–"],
    ["Last read", moment(one.last_read, "never")],
    ["Plan", planLink(one.plan)],
    ["Subscription", one.subscription_id
      ? html`<a href=${addressOf({ view: "customers", subscription: one.subscription_id })}>${name(one.subscription_id)}</a>` : "–"],
    ["Application", outside(one.links.portal, one.id, `${one.id} (in the Azure portal)`)],
    ["Managed resource group", outside(one.links.portal_managed_resource_group, one.managed_resource_group_id,
      `${one.managed_resource_group_id} (in the Azure portal)`)],
  ];
  return html`<dl class="facts">${listed.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>
    <p class="chips no-print"><a href=${addressOf({ view: "report", application: one.id })}>Customer report</a>
      <a href=${addressOf({ view: "findings", search: one.id })}>Its findings</a></p>`;
}

const titleOf = (listed) => (listed?.some(isCheck) ? "Policy assignments and own checks" : "Policy assignments");

function assignments(listed, router) {
  if (!listed.length) return empty("No policy assignment of this application is known.", "It is not evaluated: compare it with the plan.");
  const count = (kind) => (one) => number(one.states[kind]);
  return table({
    label: titleOf(listed),
    items: listed,
    key: (one) => one.id,
    columns: [
      { title: "Assignment", isHead: true, cell: (one) => html`${outside(one.links.portal, one.name, `${one.name} (in the Azure portal)`)} ${judge(one)}
        <small class="no-print"><a href=${addressOf({ view: "findings", assignment: one.name })}>at other customers</a></small>` },
      { title: "Verdict", cell: verdict },
      { title: "Guard", cell: guard },
      { title: "Not compliant", kind: "number", cell: count("noncompliant") },
      { title: "Compliant", kind: "number", cell: count("compliant") },
      { title: "Exempt", kind: "number", cell: count("exempt") },
      { title: "Unknown", kind: "number", cell: count("unknown") },
    ],
  });
}

// What stands about an assignment, since when, and what qualifies it.
function verdict(one) {
  const more = [
    `since ${utc(one.since)}${one.opened_in_version ? `, in version ${one.opened_in_version}` : ""}`,
    one.due_by ? `${one.is_overdue ? "overdue since" : "due"} ${utc(one.due_by)}${one.violation_severity ? `, severity ${one.violation_severity}` : ""}` : "",
    one.is_current ? "" : `as of the last read, ${utc(one.last_read)}`,
    one.unread ? `could not be read since ${utc(one.unread.since)}: ${one.unread.reason}` : "",
    held(one.held),
    one.accepted ? `accepted until ${utc(one.accepted.until)} by ${one.accepted.by}: ${one.accepted.reason}` : "",
    one.snoozed_until ? `alarms snoozed until ${utc(one.snoozed_until)}` : "",
  ];
  return html`<span class=${one.verdict === "NonCompliant" ? "status noncompliant" : ""}>${verdictWord(one.verdict)}</span> <small>${name(more.filter(Boolean).join("; "))}</small>`;
}

// How an assignment compares with its baseline, and what is exempted from it. A check has neither.
function guard(one) {
  if (isCheck(one)) return "–";
  const { state, since, details: differs, accepted_until: acceptedUntil } = one.guard;
  const { count, category, created_by: creator, expires_at: expiry, accepted_until: knownUntil, accepted_by: who } = one.exemptions;
  const exempted = count ? `${number(count)} exempted (${[category, creator && `by ${creator}`,
    expiry ? `until ${utc(expiry)}` : "without an end",
    who && `accepted by ${who}${knownUntil ? ` until ${utc(knownUntil)}` : ""}`].filter(Boolean).join(", ")})` : "";
  const more = [since && state !== "Intact" ? `since ${utc(since)}` : "", differs,
    acceptedUntil ? `accepted until ${utc(acceptedUntil)}` : "", exempted].filter(Boolean);
  return html`${guardWord(state)}${more.length ? html` <small>${name(more.join("; "))}</small>` : nothing}`;
}

function violations(answer, router) {
  const { violations: found } = answer;
  const lacking = lackingTexts(found);
  if (!found.open) {
    return noneListed(found, answer.application);
  }
  return html`${lacking.map((text) => html`<div class="banner"><p>${text}</p></div>`)}
    ${found.total ? table({
      label: "Resources that are not compliant",
      caption: `${number(found.resources.length)} of ${number(found.total)}`,
      items: found.resources,
      key: (row) => [row.id, row.assignment_id, row.definition_id, row.definition_reference_id].join("|"),
      columns: [
        { title: "Resource", kind: "wide", isHead: true, cell: (row) => html`${outside(row.links.portal, row.id.split("/").pop(), `${row.id} (in the Azure portal)`)}
          <small>${name([row.type, row.location].filter(Boolean).join(", "), "")}</small>
          ${isCheck(row) ? html`<small>${name(row.reason, "")}</small>` : whyCommand(row)}` },
        { title: "Policy", cell: (row) => html`${clamped(row.definition_name || row.definition_id.split("/").pop())} ${judge(row)}
          ${row.definition_reference_id ? html`<small>${name(row.definition_reference_id)}</small>` : nothing}` },
        { title: "Assignment", cell: (row) => outside(row.links.portal_assignment, row.assignment_name, `${row.assignment_name} (in the Azure portal)`) },
        { title: "Effect", kind: "short", cell: (row) => row.effect },
        { title: "Evaluated", kind: "time", cell: (row) => html`${moment(row.evaluated_at)}${row.held ? html`<small>${held(row.held)}</small>` : nothing}` },
      ],
    }) : nothing}${more(router, found, "resources", STEP, "resources")}`;
}

// That none is open is said of who was read just now; of others it is what stood when they were last read.
function noneListed({ listed, open_is_at_least: isMore, last_read: read }, one) {
  if (isMore) {
    return empty("Not known which.", "There were more violations than are remembered one by one, and those that are left are not proven to be over.");
  }
  if (listed === "unknown") {
    return read ? empty("Not known.", "The rows that name its violations are not here.")
      : empty("Nothing is known.", "This customer was never read completely.");
  }
  return one.reading.is_readable ? empty("None is open.", "")
    : empty(`None was open when it was last read, ${utc(read)}.`, "How it stands now, nobody knows.");
}

// Says why fewer resources are listed than violations are open; nothing when all are.
function lackingTexts({ open, open_is_at_least: isMore, total, states_missing: missing, states_withheld: withheld }) {
  const said = [];
  if (isMore) {
    said.push(`At least ${number(open)} violations are open: more than are remembered one by one.`);
  }
  if (withheld) {
    said.push(`This customer has ${number(withheld)} more policy states than are kept of one customer. Violations are the last to be `
      + "left out, and the verdicts are judged from all of them.");
  }
  if (total < open) {
    said.push(`${number(open)} violations are open, ${number(total)} of them are listed${withheld ? "." : ": of those that are held, an assignment "
      + "names five resources at most."}`);
  }
  if (missing) {
    said.push(`Only ${number(missing.stored)} of ${number(missing.announced)} rows of the last upload are here, so the list is not complete.`);
  }
  return said;
}
