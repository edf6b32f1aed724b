// The operations page: draws what the address asks for from what the API says, keeps it fresh, and says so when it is not.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { signIn, Store } from "./data.js";
import { age, moment, utc } from "./moments.js";
import { addressOf, Router } from "./router.js";
import { alerts } from "./views/alerts.js";
import { collector } from "./views/collector.js";
import { customers } from "./views/customers.js";
import { details } from "./views/details.js";
import { exemptions } from "./views/exemptions.js";
import { findings } from "./views/findings.js";
import { guard } from "./views/guard.js";
import { now } from "./views/now.js";
import { PLANS, plans } from "./views/plans.js";
import { report } from "./views/report.js";

const REFRESH_MILLISECONDS = 60_000;
const LONGEST_WAIT_MILLISECONDS = 600_000;

const VIEWS = {
  now: ["Now", now],
  findings: ["Findings", findings],
  customers: ["Customers", customers],
  plans: ["Plans", plans],
  exemptions: ["Exemptions", exemptions],
  guard: ["Guard", guard],
  alerts: ["Alert rules", alerts],
  collector: ["Collector", collector],
  report: ["Customer report", report],
};
const LISTED = Object.keys(VIEWS).filter((view) => view !== "report");

const part = (id) => document.getElementById(id);
const dialog = part("details");
let scheduled = false;
let nextTry = null;

const redraw = () => {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(draw);
};
const store = new Store(redraw);
const router = new Router((state, before, top) => {
  if (state.view !== before.view) arrivedAt = top;
  redraw();
});
// After a change of view: how far down it is shown.
let arrivedAt = null;

function draw() {
  scheduled = false;
  const focused = document.activeElement;
  const place = focused?.closest("section")?.id;
  store.begin();
  const fleet = store.one("fleet", "/api/compliance");
  const context = { router, store, redraw, fleet, now: nowOf(fleet), plans: plansOf(fleet) };
  const [title, view] = VIEWS[router.state.view] ?? VIEWS.now;
  render(view(context), part("view"));
  if (router.state.open) render(details(context), dialog);
  store.end();
  render(views(), part("views"));
  render(asOf(fleet), part("as-of"));
  render(banner(fleet), part("banner"));
  document.title = router.state.view === "now" ? "Policy compliance of the fleet" : `${title} – Policy compliance of the fleet`;
  showDialog();
  settle();
  keepFocus(focused, place);
  if (arrivedAt !== null) arrive();
}

// What moves in the document loses the focus, and gets it back; where it is gone, its part's heading gets it.
function keepFocus(focused, place) {
  if (arrivedAt !== null || focused === document.activeElement || focused === document.body) return;
  const heir = focused?.isConnected ? focused : place && part(`${place}-heading`);
  heir?.focus({ preventScroll: true });
}

// The moment that the answers speak of: the API's, not that of a clock that may be wrong here.
function nowOf({ data, loadedAt }) {
  if (!data?.as_of) return Date.now();
  return Date.parse(data.as_of.run_time) + data.as_of.age_seconds * 1000 + (Date.now() - loadedAt);
}

// The plans to filter by; the list is asked for once, by whichever view shows filters.
const plansOf = () => ((router.state.view === "now" ? null : store.one("known plans", PLANS).data)?.plans ?? []).map((one) => one.plan?.name)
  .filter((one, place, all) => one && all.indexOf(one) === place).map((one) => [one, one]);

function arrive() {
  scrollTo(0, arrivedAt);
  arrivedAt = null;
  const heading = part("view").querySelector("h2");
  heading?.focus({ preventScroll: true });
}

const views = () => LISTED.map((view) => html`<a href=${addressOf({ view })} aria-current=${router.state.view === view ? "page" : nothing}
  >${VIEWS[view][0]}</a>`);

function asOf({ data }) {
  if (!data) return "";
  return data.as_of ? html`As of the run of ${moment(data.as_of.run_time)}, ${age(data.as_of.age_seconds)} ago` : "No run yet";
}

function banner({ data, error, loadedAt }) {
  if (error?.status === 401) {
    return html`<div class="banner danger" role="alert"><p><strong>Your session has ended.</strong> <a href=${signIn()}>Sign in again</a>, and you
      come back to this very view.${loadedAt ? ` The data on this page is stale: it was loaded at ${utc(new Date(loadedAt).toISOString())}.` : ""}</p></div>`;
  }
  if (!data) return nothing;
  if (!data.as_of) {
    return html`<div class="banner" role="status"><p><strong>No run yet.</strong> No collection run has been completed in the last 90 days:
      nothing is known about the fleet.</p></div>`;
  }
  if (!data.as_of.is_stale) return nothing;
  return html`<div class="banner danger" role="alert"><p><strong>The data is stale:</strong> the latest completed run began ${age(data.as_of.age_seconds)}
    ago (${utc(data.as_of.run_time)}). The collector may be silent: <a href=${addressOf({ view: "collector" })}>see the collector</a>.</p></div>`;
}

function showDialog() {
  const { open } = router.state;
  if (open && !dialog.open) dialog.showModal();
  if (!open && dialog.open) dialog.close();
}

// Tells whoever waits (tests, pictures) that every part has its answer or its error.
function settle() {
  const shown = store.shown();
  if (shown.some((entry) => entry.isLoading)) delete document.body.dataset.state;
  else document.body.dataset.state = shown.some((entry) => entry.error) ? "stale" : "fresh";
}

async function refresh(olderThanMilliseconds = 0) {
  clearTimeout(nextTry);
  await store.refresh(olderThanMilliseconds);
  const waits = store.shown().map((entry) => (entry.error?.retryAfterSeconds ?? 0) * 1000);
  nextTry = setTimeout(refreshWhenSeen, Math.min(Math.max(REFRESH_MILLISECONDS, ...waits), LONGEST_WAIT_MILLISECONDS));
}

function refreshWhenSeen() {
  if (document.visibilityState === "visible") refresh();
}

part("refresh").addEventListener("click", () => refresh());
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") refresh(REFRESH_MILLISECONDS); });
dialog.addEventListener("click", (event) => { if (event.target.closest("[data-close]") || event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { if (router.state.open) router.go(router.change({ open: null, shown: router.state.shown })); });
addEventListener("resize", redraw);
// Bookmarks of earlier versions have the open customer behind a #.
if (location.hash.startsWith("#/subscriptions/")) router.go(addressOf({ view: "customers", open: decodeURI(location.hash.slice(1)) }), { replace: true });
part("as-of").textContent = "";
draw();
refresh(REFRESH_MILLISECONDS);
