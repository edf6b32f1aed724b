// How states, times and outcomes are said on the page.

import { element } from "./elements.js";

export const STATUSES = ["noncompliant", "unread", "not_evaluated", "compliant"];

export const STATUS_WORDS = {
  noncompliant: "Not compliant",
  unread: "Could not be read",
  not_evaluated: "Not evaluated",
  compliant: "Compliant",
};

const SIGNS = { noncompliant: "✕", unread: "?", not_evaluated: "○", compliant: "✓" };

const LAST_KNOWN_WORDS = {
  noncompliant: "not compliant when last read",
  compliant: "compliant when last read",
  not_evaluated: "not evaluated when last read",
  unknown: "never read",
};

const OUTCOME_WORDS = {
  AccessDenied: "Access denied",
  NotFound: "Not found",
  Blocked: "Blocked by the state of the customer's subscription or group",
  Throttled: "Throttled by Azure",
  UploadFailed: "Result could not be stored",
  Skipped: "Run ended before its turn",
  Vanished: "Vanished from the registry, and nobody confirmed that it was deleted",
};

const NUMBER = new Intl.NumberFormat("en");
const TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

export const number = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));
export const percent = (value) => (value === null ? "–" : `${value.toFixed(1)} %`);
export const outcome = (name) => OUTCOME_WORDS[name] || name;
export const lastKnown = (name) => LAST_KNOWN_WORDS[name] || name;

export function time(text) {
  return text ? `${TIME.format(new Date(text))} UTC` : "–";
}

const VERDICT_WORDS = {
  NonCompliant: "Not compliant",
  Compliant: "Compliant",
  NotEvaluated: "Never evaluated",
  Undecided: "No longer evaluated",
};

const HELD_WORDS = {
  Unread: "the customer cannot be read",
  NoStates: "its state is missing, and the resource is not proven gone",
  Undecided: "its state decides nothing",
  Weakened: "the assignment was weakened, or leaves it out",
  GuardUnread: "the assignment could not be compared",
  Withdrawn: "the assignment was deleted",
  Exempt: "it was exempted",
};

const GUARD_WORDS = {
  Intact: "As it should be",
  NotKnown: "Nothing to compare with yet",
  Withdrawn: "Deleted",
  Weakened: "Weakened",
  Changed: "Changed",
  Unread: "Could not be compared",
};

export function held(value) {
  return value ? `held since ${time(value.since)}: ${HELD_WORDS[value.reason] || value.reason}` : "";
}

// What stands about an assignment, since when, and what qualifies it.
export function verdict(one) {
  const more = [
    `since ${time(one.since)}`,
    one.is_current ? "" : `as of the last read, ${time(one.last_read)}`,
    held(one.held),
    one.accepted ? `accepted until ${time(one.accepted.until)} by ${one.accepted.by}: ${one.accepted.reason}` : "",
    one.snoozed_until ? `alarms snoozed until ${time(one.snoozed_until)}` : "",
  ];
  return [VERDICT_WORDS[one.verdict] || one.verdict, element("small", {}, more.filter(Boolean).join("; "))];
}

// How an assignment compares with its baseline, and what is exempted from it.
export function guard(one) {
  const { state, since, details, accepted_until: acceptedUntil } = one.guard;
  const { count, category, created_by: creator, expires_at: expiry } = one.exemptions;
  const exempted = count ? `${number(count)} exempted (${[category, creator && `by ${creator}`,
    expiry ? `until ${time(expiry)}` : "without an end"].filter(Boolean).join(", ")})` : "";
  const more = [
    since && state !== "Intact" ? `since ${time(since)}` : "",
    details,
    acceptedUntil ? `accepted until ${time(acceptedUntil)}` : "",
    exempted,
  ];
  return [GUARD_WORDS[state] || state, element("small", {}, more.filter(Boolean).join("; "))];
}

export function age(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
}

export function status(application) {
  const known = element("span", { class: `status ${application.status}` },
    `${SIGNS[application.status]} ${STATUS_WORDS[application.status]}`);
  const more = [];
  if (application.status === "unread") more.push(lastKnown(application.last_known));
  const counted = (count, what) => { if (count) more.push(`${number(count)} ${count === 1 ? "assignment" : "assignments"} ${what}`); };
  counted(application.held_assignments, "with violations that are held");
  counted(application.accepted_assignments, "accepted for now");
  counted(application.guard_changes, "deleted, weakened or changed");
  counted(application.assignments_without_states, "not evaluated");
  return more.length ? [known, element("small", {}, more.join("; "))] : known;
}

export function reason(reading) {
  const said = [outcome(reading.outcome)];
  const explanation = [reading.error_code, reading.error_message].filter(Boolean).join(": ");
  return explanation ? [said[0], element("small", {}, explanation)] : said[0];
}
