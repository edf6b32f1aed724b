// The table of customers: filtered, sorted and paged by the API, so that it stays quick with thousands of them.

import { address, APPLICATIONS, get } from "./api.js";
import { element, show, table } from "./elements.js";
import { number, status, time } from "./words.js";

const PAGE_SIZE = 100;
const TYPING_MILLISECONDS = 250;
const TROUBLE = "trouble";

export class Customers {
  constructor({ onopen, onerror, say }) {
    this.onopen = onopen;
    this.onerror = onerror;
    this.say = say;
    this.sort = TROUBLE;
    this.tokens = [null];
    this.request = null;
    this.search = document.getElementById("search");
    this.status = document.getElementById("status");
    this.trouble = document.getElementById("trouble");
    let typing = null;
    this.search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.restart(), TYPING_MILLISECONDS);
    });
    this.status.addEventListener("change", () => this.restart());
    this.trouble.addEventListener("click", () => this.sortBy(TROUBLE));
    document.getElementById("filters").addEventListener("submit", (event) => {
      event.preventDefault();
      this.restart();
    });
  }

  filter(value) {
    this.status.value = value;
    return this.restart();
  }

  sortBy(name) {
    this.sort = this.sort === name && name !== TROUBLE ? `-${name}` : name;
    return this.restart();
  }

  restart() {
    this.tokens = [null];
    return this.load(true);
  }

  parameters() {
    return { search: this.search.value.trim(), status: this.status.value, sort: this.sort };
  }

  async load(announce = false) {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    document.getElementById("export").href = address(APPLICATIONS, { ...this.parameters(), format: "csv" });
    this.trouble.setAttribute("aria-pressed", String(this.sort === TROUBLE));
    const page = { page_size: PAGE_SIZE, page_token: this.tokens[this.tokens.length - 1] };
    try {
      const answer = await get(APPLICATIONS, { ...this.parameters(), ...page }, request.signal);
      this.show(answer);
      if (announce) this.say(`${number(answer.total)} customers match.`);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 400 && this.tokens.length > 1) {
        await this.restart();
        return;
      }
      this.onerror(error);
    }
  }

  show(answer) {
    const focused = document.activeElement?.closest?.("th, #pages")?.textContent;
    const before = (this.tokens.length - 1) * PAGE_SIZE;
    const shown = answer.applications;
    const range = shown.length ? `${number(before + 1)}–${number(before + shown.length)} of ${number(answer.total)}` : "None";
    show(document.getElementById("customers"), table({
      label: "Customers", caption: `${range} customers`, items: shown, columns: this.columns(), sorted: this.sort,
      onsort: (name) => this.sortBy(name),
    }));
    show(document.getElementById("pages"),
      element("button", { type: "button", id: "previous", disabled: this.tokens.length === 1,
        onclick: () => this.turn(null) }, "Previous page"),
      element("span", {}, range),
      element("button", { type: "button", id: "next", disabled: !answer.next_page_token,
        onclick: () => this.turn(answer.next_page_token) }, "Next page"));
    if (focused) this.refocus(focused);
  }

  turn(token) {
    if (token) this.tokens.push(token);
    else this.tokens.pop();
    document.getElementById("customers-heading").focus();
    return this.load(true);
  }

  refocus(text) {
    const plain = (value) => value.replace(/[ ▲▼]+$/, "");
    const button = [...document.querySelectorAll("#customers th button")]
      .find((candidate) => plain(candidate.textContent) === plain(text));
    button?.focus();
  }

  columns() {
    return [
      { title: "Customer", sort: "customer", cell: (one) => [
        element("button", { type: "button", class: "plain", "data-application": one.id, onclick: () => this.onopen(one.id) },
          one.customer || "(unknown customer)"),
        element("small", {}, one.name)] },
      { title: "Status", sort: "status", cell: status },
      { title: "Violations", sort: "noncompliant", number: true, cell: (one) => this.violations(one) },
      { title: "Not compliant since", cell: (one) => time(one.noncompliant_since) },
      { title: "Last read", sort: "last_read", cell: (one) => (one.last_read ? time(one.last_read) : "never") },
      { title: "Plan", cell: (one) => (one.plan ? `${one.plan.name} ${one.plan.version}`.trim() : "–") },
    ];
  }

  violations(one) {
    // Without a readable result there is no number, not even zero.
    return one.last_known === "unknown" || one.last_known === "not_evaluated" ? "–" : number(one.states.noncompliant);
  }
}
