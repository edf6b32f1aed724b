// One customer's application: how it stands, its assignments, and every resource that violates one.

import { address, APPLICATIONS, get } from "./api.js";
import { element, link, show, table } from "./elements.js";
import { guard, held, lastKnown, number, reason, status, time, verdict } from "./words.js";

export class Details {
  constructor({ say }) {
    this.say = say;
    this.dialog = document.getElementById("details");
    this.request = null;
    this.dialog.addEventListener("close", () => {
      this.request?.abort();
      history.replaceState(null, "", location.pathname);
    });
  }

  async open(id) {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    history.replaceState(null, "", `#${id}`);
    show(this.dialog, this.bar("Loading …"));
    if (!this.dialog.open) this.dialog.showModal();
    const path = `${APPLICATIONS}/${id.replace(/^\//, "").split("/").map(encodeURIComponent).join("/")}`;
    try {
      const answer = await get(path, {}, request.signal);
      this.resources = answer.violations.resources;
      this.show(path, answer);
    } catch (error) {
      if (error.name === "AbortError") return;
      show(this.dialog, this.bar("This customer cannot be shown"), element("p", { role: "alert" }, error.message));
    }
  }

  bar(title) {
    return element("div", { class: "toolbar" }, element("h2", { id: "details-heading" }, title),
      element("button", { type: "button", onclick: () => this.dialog.close() }, "Close"));
  }

  show(path, answer) {
    const one = answer.application;
    show(this.dialog,
      this.bar(`${one.customer} – ${one.name}`),
      one.reading.is_readable ? [] : this.unreadable(one),
      this.facts(one),
      this.assignments(answer.assignments),
      this.violations(path, answer));
  }

  unreadable(one) {
    return element("div", { class: "banner" },
      element("p", {}, element("strong", {}, "This customer could not be read"), ` since ${time(one.reading.unread_since)}. `,
        reason(one.reading)),
      element("p", {}, this.known(one)));
  }

  known(one) {
    if (one.last_known === "unknown") return "It has never been read: nothing is known about this customer's compliance.";
    return one.last_read
      ? `What follows is what stood when it was last read (${time(one.last_read)}): ${lastKnown(one.last_known)}.`
      : "It has never been read to the end: what follows is what was found on the way.";
  }

  facts(one) {
    const facts = [
      ["Status", status(one)],
      ["Not compliant since", time(one.noncompliant_since)],
      ["Last read", one.last_read ? time(one.last_read) : "never"],
      ["Plan", one.plan ? `${one.plan.name} ${one.plan.version}` : "–"],
      ["Application", link(one.links.portal, one.id)],
      ["Managed resource group", link(one.links.portal_managed_resource_group, one.managed_resource_group_id || "–")],
    ];
    return element("dl", { class: "facts" },
      facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }

  assignments(assignments) {
    const heading = element("h3", {}, "Policy assignments");
    if (!assignments.length) {
      return [heading, element("p", {}, "No policy assignment of this application is known: it is not evaluated.")];
    }
    const count = (kind) => (one) => number(one.states[kind]);
    return [heading, table({
      label: "Policy assignments",
      items: assignments,
      columns: [
        { title: "Assignment", cell: (one) => link(one.links.portal, one.name, `${one.name} (in the Azure portal)`) },
        { title: "Verdict", class: "words", cell: verdict },
        { title: "Policy assignment", class: "words", cell: guard },
        { title: "Not compliant", number: true, cell: count("noncompliant") },
        { title: "Compliant", number: true, cell: count("compliant") },
        { title: "Exempt", number: true, cell: count("exempt") },
        { title: "Unknown", number: true, cell: count("unknown") },
      ],
    })];
  }

  violations(path, answer) {
    const heading = element("h3", {}, "Resources that are not compliant");
    if (answer.violations.listed === "unknown") return [heading, element("p", {}, "Nothing is known.")];
    if (!answer.violations.open) return [heading, element("p", {}, "None is open.")];
    const lacking = this.lacking(answer.violations);
    if (!answer.violations.total) return [heading, ...lacking];
    const token = answer.violations.next_page_token;
    const more = element("button", { type: "button", onclick: () => this.more(path, answer, token) }, "Show more");
    return [heading,
      ...lacking,
      element("p", {}, element("a", { href: address(path, { format: "csv" }), download: true }, "Export CSV")),
      table({
        label: "Resources that are not compliant",
        caption: `${number(this.resources.length)} of ${number(answer.violations.total)}`,
        items: this.resources,
        columns: [
          { title: "Resource", class: "id", cell: (one) => [
            link(one.links.portal, one.id.split("/").pop(), `${one.id} (in the Azure portal)`),
            element("small", {}, [one.type, one.location].filter(Boolean).join(", "))] },
          { title: "Policy", cell: (one) => [one.definition_name || one.definition_id.split("/").pop(),
            one.definition_reference_id ? element("small", {}, one.definition_reference_id) : null] },
          { title: "Assignment", cell: (one) => link(one.links.portal_assignment, one.assignment_name,
            `${one.assignment_name} (in the Azure portal)`) },
          { title: "Effect", cell: (one) => one.effect },
          { title: "Evaluated", cell: (one) => [time(one.evaluated_at), element("small", {}, held(one.held))] },
        ],
      }),
      token ? more : []];
  }

  // Says why fewer resources are listed than violations are open; nothing when all are.
  lacking({ open, total, states_missing: missing }) {
    const said = [];
    if (total < open) {
      said.push(`${number(open)} violations are open, ${number(total)} of them are listed: of those that are held, an `
        + "assignment names five resources at most.");
    }
    if (missing) {
      said.push(`Only ${number(missing.stored)} of ${number(missing.announced)} rows of the last upload are here, so the list `
        + "is not complete.");
    }
    return said.map((text) => element("p", { class: "banner" }, text));
  }

  async more(path, answer, token) {
    try {
      const next = await get(path, { page_token: token }, this.request.signal);
      this.resources = [...this.resources, ...next.violations.resources];
      this.show(path, { ...answer, violations: next.violations });
      this.say(`${number(this.resources.length)} resources are shown.`);
    } catch (error) {
      if (error.name !== "AbortError") this.dialog.append(element("p", { role: "alert" }, error.message));
    }
  }
}
