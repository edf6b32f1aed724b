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
  unknown: "not read for two days or more",
};

const OUTCOME_WORDS = {
  AccessDenied: "Access denied",
  NotFound: "Not found",
  Throttled: "Throttled by Azure",
  UploadFailed: "Result could not be stored",
  Skipped: "Run ended before its turn",
  NoResult: "Missing from the latest run",
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

export const VERDICT_WORDS = {
  NonCompliant: "Not compliant",
  Compliant: "Compliant",
  NotEvaluated: "Never evaluated",
  Undecided: "No longer evaluated",
};

const HELD_WORDS = {
  Unread: "the customer cannot be read",
  NoStates: "its state is missing, and the resource is not proven gone",
  Undecided: "its state decides nothing",
  Weakened: "the assignment was weakened",
  GuardUnread: "the assignment could not be compared",
  Withdrawn: "the assignment was deleted",
  Exempt: "it was exempted",
};

export function held(value) {
  return value ? `held since ${time(value.since)}: ${HELD_WORDS[value.reason] || value.reason}` : "";
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
  if (application.assignments_without_states) {
    more.push(`${number(application.assignments_without_states)} assignments without any state`);
  }
  return more.length ? [known, element("small", {}, more.join("; "))] : known;
}

export function reason(reading) {
  const said = [outcome(reading.outcome)];
  const explanation = [reading.error_code, reading.error_message].filter(Boolean).join(": ");
  return explanation ? [said[0], element("small", {}, explanation)] : said[0];
}
