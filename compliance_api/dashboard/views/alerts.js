// Which of the product's alert rules fire: each rule's own query is asked, as Azure Monitor asks it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { SAVED_QUERIES } from "../data.js";
import { name, panel, severity } from "../parts.js";
import { addressOf } from "../router.js";
import { counted, number } from "../words.js";
import { RULES } from "./rules.js";

const WINDOW = "P2D"; // as windowSize in infra/alert_rules.json: Azure's rules look back two days
const MOST_LISTED = 20;

export function alerts({ store, fleet }) {
  const asked = RULES.map((rule) => ({ rule, entry: store.one(`rule ${rule.query}`, `${SAVED_QUERIES}${rule.query}`, { timespan: WINDOW }) }));
  const firing = asked.filter(({ rule, entry }) => entry.data && firingRows(rule, entry.data).length);
  const unknown = asked.filter(({ entry }) => entry.error && !entry.data).length;
  const loading = asked.some(({ entry }) => !entry.data && !entry.error);
  const said = [firing.length ? `${counted(firing.length, "rule")} of ${RULES.length} ${firing.length === 1 ? "fires" : "fire"}` : loading ? "" : `None of ${RULES.length - unknown} rules fires`,
    unknown ? `${counted(unknown, "rule")} could not be asked` : ""].filter(Boolean).join("; ");
  const order = (one) => (one.entry.error && !one.entry.data ? 0 : firing.includes(one) ? 1 : 2);
  const sorted = loading ? asked : [...asked].sort((one, other) => order(one) - order(other) || one.rule.severity - other.rule.severity);
  return panel({
    id: "alerts",
    title: "Alert rules",
    note: said,
    entry: { ...fleet, data: fleet.data ?? {}, error: null },
    body: () => html`
      <p class="quiet">Azure Monitor asks the same by itself and notifies the action group; snoozed and accepted findings fire nothing. What
        was notified stands in the portal under Monitor, Alerts.</p>
      <ul class="rules">${sorted.map(({ rule, entry }) => one(rule, entry))}</ul>`,
  });
}

const OPERATORS = { GreaterThan: (value, limit) => value > limit, GreaterThanOrEqual: (value, limit) => value >= limit };

// The rows of a rule's query that fire it.
export function firingRows(rule, answer) {
  return rule.measure ? answer.results.filter((row) => OPERATORS[rule.operator](row[rule.measure], rule.threshold)) : answer.results;
}

function one(rule, { data, error }) {
  const rows = data ? firingRows(rule, data) : [];
  const state = error && !data ? html`<span class="status unread">? Could not be asked: <bdi>${error.message}</bdi></span>`
    : !data ? html`<span class="quiet">asking …</span>`
      : rows.length ? html`<span class="status noncompliant">● Fires${rows.length > 1 ? ` ${number(rows.length)} times` : ""}</span>`
        : html`<span class="quiet">quiet</span>`;
  return html`<li class=${rows.length ? "fires" : ""} data-rule=${rule.query}>
    <div class="rule">${severity(rule.severity)} <strong>${rule.title}</strong> ${state}
      ${rule.about ? html`<a class="no-print" href=${addressOf(rule.about)} aria-label=${`Show what “${rule.title}” is about`}>Show</a>` : nothing}</div>
    ${rows.length ? html`<details><summary><small>What it says</small></summary><ul>${rows.slice(0, MOST_LISTED).map((row) => html`<li>${said(row)}</li>`)}</ul>
      ${rows.length > MOST_LISTED ? html`<p class="quiet">and ${number(rows.length - MOST_LISTED)} more</p>` : nothing}</details>` : nothing}</li>`;
}

// The dimensions of an alert, as its notification has them.
const HIDDEN = new Set(["TimeGenerated", "Alarm_key", "Application_id", "Policy_assignment_id", "Customer_subscription_id"]);
const said = (row) => Object.entries(row).filter(([column, value]) => !HIDDEN.has(column) && value !== null && value !== "")
  .map(([column, value], place) => html`${place ? " · " : ""}<span class="quiet">${column.replaceAll("_", " ")}</span> ${name(String(value))}`);
