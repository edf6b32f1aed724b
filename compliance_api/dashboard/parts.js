// The pieces that every view is made of: panels that load and fail on their own, tables, names, marks, filters.

import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { signIn } from "./data.js";
import { moment, shortDay, utc } from "./moments.js";
import { addressOf } from "./router.js";
import { counted, heldWord, isCheck, judgeWord, lastKnown, number, outcome, planText, SIGNS, STATUS_WORDS } from "./words.js";

// Names are chosen by others: isolated, so that their direction turns nothing else around.
export const name = (text, otherwise = "–") => (text ? html`<bdi dir="auto">${text}</bdi>` : otherwise);

// A name of any length, of which a table shows three lines.
export const clamped = (text) => (text ? html`<span class="clamp"><bdi dir="auto">${text}</bdi></span>` : "–");

// Only to where the API says, and only to web pages.
export function outside(href, text, description) {
  if (typeof href !== "string" || !/^https:\/\//.test(href)) return name(text);
  return html`<a href=${href} target="_blank" rel="noopener noreferrer" aria-label=${description}>${name(text)}</a>`;
}

export const customer = (router, one) => html`
  <a href=${router.change({ open: one.id, shown: router.state.shown })} data-application=${one.id}
    >${clamped(one.customer || "(unknown customer)")}</a>
  <small>${name(one.name)}</small>`;

// A plan version leads to how it stands.
export const planLink = (plan) => (plan
  ? html`<a href=${addressOf({ view: "plans", plan: plan.name, plan_version: plan.version })}>${clamped(planText(plan))}</a>` : "–");

export const exportLink = (href, text = "Export CSV") => html`<a class="button no-print" href=${href} data-export download>${text}</a>`;

const bones = () => html`<div role="status" aria-label="Loading"><span class="bone"></span><span class="bone"></span
  ><span class="bone"></span><span class="bone"></span></div>`;

function failure(error, loadedAt) {
  return html`<div class="banner danger" role="alert">
    <p><strong>This part could not be loaded.</strong> <bdi>${error.message}</bdi>
      ${error.status === 401 ? html` <a href=${signIn()}>Sign in again</a>, and you come back here.` : nothing}</p>
    <p>${loadedAt
      ? `The data below is stale: it was loaded at ${utc(new Date(loadedAt).toISOString())}.`
      : "It says nothing about any customer's compliance."}</p></div>`;
}

// A part of the page with an answer of its own: while it loads, what it has, and why it has nothing newer.
export function panel({ id, title, note, kind = "", entry, body, tools, filters }) {
  const { data, error, loadedAt, isOther, isLoading } = entry;
  return html`<section class="panel ${kind}" aria-labelledby=${`${id}-heading`} id=${id}>
    <div class="head"><h2 id=${`${id}-heading`} tabindex="-1">${title}</h2>${note ? html`<p>${note}</p>` : nothing}${tools ?? nothing}</div>
    ${filters ?? nothing}
    ${error ? failure(error, loadedAt) : nothing}
    ${data ? html`<div class=${isOther ? "is-other" : ""} aria-busy=${isLoading && isOther}>${body(data)}</div>` : error ? nothing : bones()}
  </section>`;
}

export const empty = (title, advice) => html`<p class="empty"><strong>${title}</strong> ${advice}</p>`;

// Before the first run nothing is known, which is not the same as nothing being wrong.
export const noRun = () => empty("No run yet.", "No collection run has been completed in the last 90 days: nothing is known "
  + "about any customer. Look at the collector's log, or wait for the next run.");

// Columns: { title, cell(item), kind, sort }. `sort` names what the API sorts by; `sorted` is that of the address.
export function table({ label, kind, caption, columns, items, key, sorted, sortAddress }) {
  const heading = (column) => {
    const direction = column.sort && sorted === column.sort ? "ascending" : column.sort && sorted === `-${column.sort}` ? "descending" : null;
    const title = column.sort
      ? html`<a href=${sortAddress(sorted === column.sort ? `-${column.sort}` : column.sort)} data-sort=${column.sort}
          >${column.title}${direction === "ascending" ? " ▲" : direction ? " ▼" : ""}</a>`
      : column.title;
    return html`<th scope="col" role="columnheader" class=${column.kind ?? nothing} aria-sort=${direction ?? nothing}>${title}</th>`;
  };
  return html`<div class="scroll"><table role="table" class=${kind ?? nothing} aria-label=${label}>
    ${caption ? html`<caption>${caption}</caption>` : nothing}
    <thead role="rowgroup"><tr role="row">${columns.map(heading)}</tr></thead>
    <tbody role="rowgroup">${repeat(items, key, (item) => html`<tr role="row" data-key=${key(item)}>${columns.map((column) => html`<td
      role="cell" class=${column.kind ?? nothing} data-label=${column.isHead ? nothing : column.title}>${column.cell(item)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

// `field`: where the address says how far the list is unfolded.
export function more(router, answer, list, step, field = "shown") {
  const shown = answer[list].length;
  if (!answer.next_page_token) return nothing;
  return html`<p class="more"><a class="button" data-replace href=${router.change({ shown: router.state.shown, [field]: String(shown + step) })}
    >Show ${number(Math.min(step, answer.total - shown))} more</a> <span class="quiet">${number(shown)} of ${number(answer.total)}</span></p>`;
}

export const severity = (value) => html`<span class="severity severity-${value}">Sev ${value}</span>`;

// What Azure Policy judges is not marked: it is the rule.
export const judge = (one) => (isCheck(one) ? html`<span class="mark check">${judgeWord(one.judged_by)}</span>` : nothing);

export function marks(one) {
  const { is_new: isNew, is_overdue: isOverdue, due_by: dueBy, held, accepted_until: acceptedUntil, snoozed_until: snoozedUntil } = one;
  return html`<span class="marks">${judge(one)}
    ${isOverdue ? html`<span class="mark overdue" title=${`Due ${utc(dueBy)}`}>! Overdue since ${shortDay(dueBy)}</span>` : nothing}
    ${isNew ? html`<span class="mark new">New since yesterday</span>` : nothing}
    ${held ? html`<span class="mark held">Held</span>` : nothing}
    ${acceptedUntil ? html`<span class="mark accepted">Accepted until ${utc(acceptedUntil)}</span>` : nothing}
    ${snoozedUntil ? html`<span class="mark accepted">Snoozed until ${utc(snoozedUntil)}</span>` : nothing}</span>`;
}

export function status(one) {
  const more = [];
  if (one.status === "unread") more.push(`${lastKnown(one.last_known)}${one.last_read ? `, ${utc(one.last_read)}` : ""}`);
  const tell = (count, what) => { if (count) more.push(`${counted(count, "assignment")} ${what}`); };
  tell(one.overdue_assignments, "overdue");
  tell(one.held_assignments, "with violations that are held");
  tell(one.accepted_assignments, "accepted for now");
  tell(one.guard_changes, "deleted, weakened or changed");
  tell(one.assignments_without_states, "not evaluated");
  if (one.checks?.noncompliant) more.push(`own checks found ${counted(one.checks.violations, "violation")}`);
  if (one.checks?.doubtful) more.push(`${counted(one.checks.doubtful, "own check")} without an answer`);
  return html`<span class="status ${one.status}">${SIGNS[one.status]} ${STATUS_WORDS[one.status]}</span>
    ${more.length ? html`<small>${more.join("; ")}</small>` : nothing}`;
}

export function reason(reading) {
  const explanation = [reading.error_code, reading.error_message].filter(Boolean).join(": ");
  return html`${outcome(reading.outcome)}${explanation ? html`<small class="clamp">${name(explanation)}</small>` : nothing}`;
}

export const held = (value) => (value ? `held since ${utc(value.since)}: ${heldWord(value.reason)}` : "");
