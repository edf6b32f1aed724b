// What the page shows is in its address, whole: view, filters, sort, how much of a list, and the open customer.

export const PAGE = "/api/dashboard";
const FIRST_VIEW = "now";
const NAMES = ["view", "status", "kind", "severity", "judged_by", "new", "overdue", "plan", "plan_version", "assignment",
  "subscription", "search", "sort", "shown", "since", "timespan", "application", "open", "resources"];

// Returns what an address asks for: known names only, each a text; `view` is always there.
export function parsed(search) {
  const given = new URLSearchParams(search);
  const state = { view: FIRST_VIEW };
  for (const name of NAMES) {
    const value = given.get(name);
    if (value) state[name] = value;
  }
  return state;
}

// Returns the address of a state, the same for the same state.
export function addressOf(state) {
  const given = NAMES.filter((name) => state[name] && !(name === "view" && state.view === FIRST_VIEW))
    .map((name) => [name, state[name]]);
  return given.length ? `${PAGE}?${new URLSearchParams(given)}` : PAGE;
}

export class Router {
  // `onchange(state, before, top)` is called whenever the address has changed; `top`: how far it was scrolled when it was left.
  constructor(onchange) {
    this.state = parsed(location.search);
    this.onchange = onchange;
    addEventListener("popstate", (event) => this.#arrive(parsed(location.search), event.state?.top ?? 0));
    document.addEventListener("click", (event) => this.#follow(event));
  }

  // The address with some things changed; null takes one away. What is asked for anew begins at its first rows.
  change(changes) {
    return addressOf({ ...this.state, shown: null, resources: "open" in changes ? null : this.state.resources, ...changes });
  }

  // How many rows of a list are asked for: as many as the address says, and never less than `step`.
  shown(step, name = "shown") {
    return Math.max(step, Math.floor(Number(this.state[name])) || 0);
  }

  go(address, { replace = false } = {}) {
    if (address === location.pathname + location.search) return;
    if (!replace) history.replaceState({ top: scrollY }, "");
    history[replace ? "replaceState" : "pushState"](null, "", address);
    this.#arrive(parsed(location.search), 0);
  }

  #arrive(state, top) {
    const before = this.state;
    this.state = state;
    this.onchange(state, before, top);
  }

  // Links within the page change its address and load nothing else.
  #follow(event) {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname !== PAGE || (url.hash && url.search === location.search)) return;
    event.preventDefault();
    this.go(url.pathname + url.search, { replace: link.hasAttribute("data-replace") });
  }
}
