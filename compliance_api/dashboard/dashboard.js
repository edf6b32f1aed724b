// The operations page: loads what the API says, keeps it fresh, and says so when it is not.

import { APPLICATIONS, get } from "./api.js";
import { showTrend } from "./chart.js";
import { Customers } from "./customers.js";
import { Details } from "./details.js";
import { element, show } from "./elements.js";
import { showAsOf, showRuns, showTiles, showUnread } from "./overview.js";
import { age, time } from "./words.js";

const REFRESH_MILLISECONDS = 60_000;
const UNREAD_SHOWN = 5;
const RUNS_SHOWN = 5;
const SIGN_IN = "/.auth/login/aad?post_login_redirect_uri=/api/dashboard";

const banner = document.getElementById("banner");
const said = document.getElementById("said");
const refreshButton = document.getElementById("refresh");
let loadedAt = null;
let nextTry = null;

const say = (text) => { said.textContent = text; };
const details = new Details({ say });
const customers = new Customers({ onopen: (id) => details.open(id), onerror: showError, say });

async function refresh() {
  clearTimeout(nextTry);
  refreshButton.disabled = true;
  let wait = REFRESH_MILLISECONDS;
  try {
    const [fleet, unread, history, runs] = await Promise.all([
      get("/api/compliance"),
      get(APPLICATIONS, { status: "unread", page_size: UNREAD_SHOWN }),
      get("/api/compliance/history"),
      get("/api/compliance/runs", { limit: RUNS_SHOWN }),
    ]);
    loadedAt = new Date();
    showAsOf(fleet.as_of);
    showTiles(fleet);
    showUnread(unread, { onopen: (id) => details.open(id), onall: showAllUnread });
    showTrend(document.getElementById("trend"), history.history);
    showRuns(runs);
    showFreshness(fleet.as_of);
    document.body.dataset.state = "fresh";
    await customers.load();
  } catch (error) {
    showError(error);
    wait = (error.retryAfterSeconds || 0) * 1000 || REFRESH_MILLISECONDS;
  } finally {
    refreshButton.disabled = false;
    nextTry = setTimeout(refreshWhenSeen, Math.min(wait, 10 * REFRESH_MILLISECONDS));
  }
}

function refreshWhenSeen() {
  if (document.visibilityState === "visible") refresh();
}

async function showAllUnread() {
  await customers.filter("unread");
  document.getElementById("customers-heading").focus();
}

function showFreshness(asOf) {
  if (asOf === null) {
    show(banner, element("p", { class: "banner" }, "No collection run has been completed in the last 90 days: nothing is known "
      + "about the fleet."));
  } else if (asOf.is_stale) {
    show(banner, element("p", { class: "banner danger" }, `The data is stale: the latest completed run began ${age(asOf.age_seconds)} `
      + `ago (${time(asOf.run_time)}). The collector may be silent.`));
  } else {
    show(banner);
  }
}

function showError(error) {
  document.body.dataset.state = "stale";
  const parts = [error.message, " "];
  if (error.status === 401) parts.push(element("a", { href: SIGN_IN }, "Sign in again"), ". ");
  parts.push(loadedAt
    ? `The data on this page is stale: it was loaded at ${time(loadedAt.toISOString())}.`
    : "Nothing can be shown: this says nothing about any customer's compliance.");
  if (!loadedAt) document.getElementById("as-of").textContent = "Not loaded";
  show(banner, element("p", { class: "banner danger" }, parts));
}

function openFromAddress() {
  let id = location.hash.slice(1);
  try {
    id = decodeURIComponent(id);
  } catch {
    return; // not an address that this page has made
  }
  if (id.startsWith("/subscriptions/")) details.open(id);
}

refreshButton.addEventListener("click", refresh);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && loadedAt && Date.now() - loadedAt >= REFRESH_MILLISECONDS) refresh();
});
window.addEventListener("hashchange", openFromAddress);
refresh();
openFromAddress();
