// What a list can be narrowed by. Each filter is written into the address at once, and stands there also when the list could
// not be loaded: what was mistyped can be corrected.

import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";
import { addressOf } from "./router.js";
import { JUDGE_WORDS, SEVERITY_WORDS, STATUS_WORDS } from "./words.js";

const TYPING_MILLISECONDS = 250;
const SEVERITIES = [...Object.entries(SEVERITY_WORDS), ["1", "Sev 1"], ["2", "Sev 2"], ["3", "Sev 3"]];
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NARROW = matchMedia("(max-width: 47rem)");

export const narrow = () => NARROW.matches;

export const KINDS = {
  noncompliant: "Not compliant",
  guard_changed: "Guard changed",
  unread: "Could not be read",
  not_evaluated: "Not evaluated",
  left_unconfirmed: "Left, unconfirmed",
};

const DRAWN = {
  search: ({ router }) => textFilter({ router, field: "search", title: "Search", kind: "wide" }),
  status: ({ router }) => choice({ router, field: "status", title: "Status", options: Object.entries(STATUS_WORDS) }),
  kind: ({ router }) => choice({ router, field: "kind", title: "What", options: Object.entries(KINDS) }),
  severity: ({ router }) => choice({ router, field: "severity", title: "Severity", options: SEVERITIES }),
  judged_by: ({ router }) => choice({ router, field: "judged_by", title: "Judged by", options: Object.entries(JUDGE_WORDS) }),
  plan: ({ router, plans }) => choice({ router, field: "plan", title: "Plan", options: plans }),
  plan_version: ({ router }) => textFilter({ router, field: "plan_version", title: "Plan version", longest: 64 }),
  assignment: ({ router }) => textFilter({ router, field: "assignment", title: "Assignment" }),
  subscription: ({ router }) => textFilter({ router, field: "subscription", title: "Subscription id", longest: 36, whole: GUID }),
};

// Whether the address narrows a list by any of these fields.
export const narrowed = (state, fields) => fields.some((field) => state[field]);

// `fields`: names of the address that the list is narrowed by, as the API calls them. On a small screen they are folded away
// while none is set, so that the list begins on the first screen.
export function filters({ router, plans, label, fields, more = nothing }) {
  const given = fields.filter((field) => router.state[field]).length;
  const { view, since } = router.state;
  return html`<details class="narrowing no-print" ?open=${!narrow() || given > 0}>
    <summary>Filters${given ? ` (${given})` : ""}</summary>
    <form class="filters" role="search" aria-label=${label} @submit=${(event) => event.preventDefault()}>
      ${fields.map((field) => DRAWN[field]({ router, plans }))}${more}
      <a class="button quiet-button" data-clear href=${addressOf({ view, since })}>Clear</a></form></details>`;
}

// A choice of a filter.
export function choice({ router, field, title, options, otherwise = "All" }) {
  const value = router.state[field] ?? "";
  const listed = value && !options.some(([one]) => one === value) ? [...options, [value, value]] : options;
  const choose = (event) => router.go(router.change({ [field]: event.target.value || null }));
  return html`<label>${title}<select name=${field} .value=${live(value)} @change=${choose}>
    <option value="" ?selected=${!value}>${otherwise}</option>
    ${listed.map(([one, text]) => html`<option value=${one} ?selected=${one === value}>${text}</option>`)}</select></label>`;
}

let typing = null;

// A text is asked for while it is typed; one that only counts as a whole, once it is whole or left.
function textFilter({ router, field, title, longest = 200, kind = "", whole = /^/ }) {
  const take = (event) => {
    clearTimeout(typing);
    router.go(router.change({ [field]: event.target.value.trim() || null }), { replace: true });
  };
  const type = (event) => {
    clearTimeout(typing);
    const text = event.target.value.trim();
    if (!text || whole.test(text)) typing = setTimeout(() => take(event), TYPING_MILLISECONDS);
  };
  return html`<label class=${kind}>${title}<input type="search" name=${field} maxlength=${longest} autocomplete="off" spellcheck="false"
    .value=${live(document.activeElement?.name === field ? document.activeElement.value : router.state[field] ?? "")}
    @input=${type} @change=${take}></label>`;
}
