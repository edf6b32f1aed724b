// How states, outcomes and figures are said on the page.

export const STATUSES = ["noncompliant", "unread", "not_evaluated", "compliant"];

export const STATUS_WORDS = {
  noncompliant: "Not compliant",
  unread: "Could not be read",
  not_evaluated: "Not evaluated",
  compliant: "Compliant",
};

export const SIGNS = { noncompliant: "✕", unread: "?", not_evaluated: "○", compliant: "✓" };

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

const VERDICT_WORDS = {
  NonCompliant: "Not compliant",
  Compliant: "Compliant",
  NotEvaluated: "Never evaluated",
  Undecided: "No longer evaluated",
  Left: "Left: deleted, as Azure Resource Manager confirmed",
  LeftUnconfirmed: "Left, and nobody could confirm it",
  Retired: "No longer part of the plan version",
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

// Who judges: Azure Policy, or a check of the publisher's own.
export const JUDGE_WORDS = { AzurePolicy: "Azure Policy", PublisherCheck: "Own check" };

const NUMBER = new Intl.NumberFormat("en");

// How severe a violation is, as an operator settled it for the plan.
export const SEVERITY_WORDS = { critical: "Critical", high: "High", medium: "Medium", low: "Low" };

// How an assignment stood in the version before the one in which it was first violated.
const BEFORE_WORDS = {
  clean: "was clean",
  violated: "had it too",
  carried_over: "had it from an older one",
  not_known: "is not known",
  not_there: "did not have the assignment",
};

// What is not known has no figure, not even zero.
export const number = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));
export const percent = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)}\u00a0%`);
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const outcome = (name) => OUTCOME_WORDS[name] || name || "–";
export const lastKnown = (name) => LAST_KNOWN_WORDS[name] || name;
export const verdictWord = (name) => VERDICT_WORDS[name] || name;
export const heldWord = (name) => HELD_WORDS[name] || name;
export const guardWord = (name) => GUARD_WORDS[name] || name;
export const beforeWord = (name) => BEFORE_WORDS[name] || name;
export const judgeWord = (name) => JUDGE_WORDS[name] || name;
export const isCheck = ({ judged_by: judge }) => judge === "PublisherCheck";
export const planText = (plan) => (plan ? `${plan.name} ${plan.version ?? ""}`.trim() : "–");
