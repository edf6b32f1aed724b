// What the fleet looks like at a glance: the numbers, who could not be read, and how the collector is doing.

import { element, show, table } from "./elements.js";
import { age, lastKnown, number, outcome, percent, reason, STATUS_WORDS, STATUSES, time } from "./words.js";

export function showAsOf(asOf) {
  document.getElementById("as-of").textContent = asOf
    ? `As of the run of ${time(asOf.run_time)}, ${age(asOf.age_seconds)} ago`
    : "No collection run has been completed yet";
}

export function showTiles(answer) {
  // Without a completed run nothing is known, which is not the same as zero.
  const known = answer.as_of !== null;
  const count = (value) => (known ? number(value) : "–");
  const unread = answer.unread_last_known;
  const notes = {
    unread: answer.applications.unread
      ? ["noncompliant", "compliant", "not_evaluated", "unknown"].filter((name) => unread[name])
        .map((name) => `${number(unread[name])} ${lastKnown(name)}`).join(", ")
      : "",
    noncompliant: known && answer.states.noncompliant ? `${number(answer.states.noncompliant)} open violations in all` : "",
  };
  const tiles = [
    ["share", "Compliant share", known ? percent(answer.compliant_share) : "–", ""],
    ...STATUSES.map((status) => [status, STATUS_WORDS[status], count(answer.applications[status]), notes[status] || ""]),
    ["total", "Registered applications", count(answer.applications.total), ""],
  ];
  show(document.getElementById("tiles"), tiles.map(([name, title, value, note]) => element("div", {},
    element("dt", {}, title),
    element("dd", { "data-tile": name, class: STATUSES.includes(name) && known && `status ${name}` }, value, note ? element("small", {}, note) : null))));
}

export function showUnread(answer, { onopen, onall }) {
  const container = document.getElementById("unread");
  if (answer.as_of === null) {
    show(container, element("p", {}, "Nothing is known yet."));
  } else if (!answer.total) {
    show(container, element("p", {}, "None: every registered application could be read."));
  } else {
    const rest = answer.total - answer.applications.length;
    show(container,
      table({
        label: "Customers that could not be read",
        items: answer.applications,
        columns: [
          { title: "Customer", cell: (one) => [
            element("button", { type: "button", class: "plain", onclick: () => onopen(one.id) },
              one.customer || "(unknown customer)"),
            element("small", {}, one.name)] },
          { title: "Why", cell: (one) => reason(one.reading) },
          { title: "Since", cell: (one) => time(one.reading.unread_since) },
          { title: "Last read", cell: (one) => (one.last_read ? time(one.last_read) : "never") },
          { title: "When last read", cell: (one) => lastKnown(one.last_known) },
        ],
      }),
      rest > 0 ? element("p", {}, element("button", { type: "button", onclick: onall }, `Show all ${number(answer.total)}`)) : []);
  }
}

export function showRuns(answer) {
  const container = document.getElementById("runs");
  if (!answer.runs.length) {
    show(container, element("p", {}, "No run has been completed in the last week."));
    return;
  }
  const seconds = (value) => (value === null ? "–" : `${(value / 1000).toFixed(1)} s`);
  const count = (name) => (run) => number(run[name]);
  show(container, table({
    label: "Collection runs",
    caption: `The latest ${answer.runs.length} of ${number(answer.total)} runs in a week`,
    items: answer.runs,
    columns: [
      { title: "Run", cell: (run) => time(run.run_time) },
      { title: "Trigger", cell: (run) => run.trigger || "–" },
      { title: "Took", number: true, cell: (run) => seconds(run.duration_ms) },
      { title: "Applications", number: true, cell: count("applications") },
      { title: "Read", number: true, cell: count("succeeded") },
      { title: "Not read", number: true, cell: (run) => [number(run.failed), failures(run)] },
      { title: "States", number: true, cell: count("states") },
      { title: "Rows rejected", number: true, cell: count("rejected_rows") },
    ],
  }));
}

function failures(run) {
  const kinds = { access_denied: "AccessDenied", not_found: "NotFound", blocked: "Blocked",
    throttled: "Throttled", upload_failed: "UploadFailed", skipped: "Skipped" };
  const said = Object.entries(kinds).filter(([name]) => run[name]).map(([name, kind]) => `${run[name]} ${outcome(kind)}`);
  return said.length ? element("small", {}, said.join(", ")) : null;
}
