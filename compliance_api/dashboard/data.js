// Asks the API. An answer is data or an error; there is nothing in between that could be taken for "none".

export const APPLICATIONS = "/api/compliance/applications";
export const SAVED_QUERIES = "/api/saved_queries/";
const SIGN_IN = "/.auth/login/aad?post_login_redirect_uri=";
export const LARGEST_PAGE = 1000;
const MOST_KEPT = 40;

// What nobody sees: control and format characters, which turn a line around or have no width, and separators. Ends of lines
// stay: a query without them would be one long comment.
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

// Names are chosen by others: what cannot be seen becomes a space, as in publisher/texts.py. Done here, once, for every text.
const harmless = (_, value) => (typeof value === "string" ? value.replace(UNSEEN, " ") : value);

export class ApiError extends Error {
  constructor(status, detail, retryAfterSeconds = null) {
    super(detail);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const signIn = () => SIGN_IN + encodeURIComponent(location.pathname + location.search);

export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// The address of one application, or of what is below it.
export const applicationPath = (id, below = "") =>
  `${APPLICATIONS}/${id.replace(/^\//, "").split("/").map(encodeURIComponent).join("/")}${below}`;

export async function get(url) {
  let answer;
  try {
    // Without a session the platform sends to the sign-in, which is no answer: never follow it.
    // What the browser kept tells an older age of the run than there is.
    answer = await fetch(url, { redirect: "manual", cache: "no-store", headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
  } catch {
    throw new ApiError(0, "The API cannot be reached from this browser.");
  }
  if (answer.type === "opaqueredirect") throw new ApiError(401, "Your session has ended.");
  const text = await answer.text().catch(() => "");
  const body = parse(text);
  if (answer.ok && body !== null) return body;
  const said = answer.status === 401 ? "Your session has ended." : `The API answered ${answer.status}.`;
  throw new ApiError(answer.status, body?.detail || said, Number(answer.headers.get("Retry-After")) || null);
}

function parse(text) {
  try {
    return JSON.parse(text, harmless);
  } catch {
    return null;
  }
}

// Saved queries are asked two at a time: an instance of the API runs few at once, and shares them among everybody.
const turns = [Promise.resolve(), Promise.resolve()];

function inTurn(url) {
  const answer = turns.shift().then(() => get(url));
  turns.push(answer.catch(() => null));
  return answer;
}

// Gets `shown` items of a paged list, in as many requests as that takes; the answer of the last, with all items. The list
// and its token stand in the answer itself, or in its member `within`. When the list has changed between two pages, so that
// the token is refused, it begins again, once.
async function getList(path, parameters, list, shown, within) {
  const holder = (answer) => (within ? answer[within] : answer);
  let items = [];
  let token = null;
  let mayRestart = true;
  for (;;) {
    try {
      const size = Math.min(shown - items.length, LARGEST_PAGE);
      const answer = await get(address(path, { ...parameters, page_size: size, page_token: token }));
      items.push(...holder(answer)[list]);
      token = holder(answer).next_page_token;
      if (!token || items.length >= shown) {
        holder(answer)[list] = items;
        return answer;
      }
    } catch (error) {
      if (!token || !mayRestart || error.status !== 400) throw error;
      [items, token, mayRestart] = [[], null, false];
    }
  }
}

// Keeps the answers that the page shows. A part that fails keeps what it had, and says why it has nothing newer.
export class Store {
  #entries = new Map();
  #slots = new Map();
  #used = new Set();
  #onchange;

  constructor(onchange) {
    this.#onchange = onchange;
  }

  // Called before and after each drawing: what was not read in between is not kept fresh.
  begin() {
    this.#used = new Set();
  }

  end() {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= MOST_KEPT) break;
      if (!this.#used.has(key)) this.#entries.delete(key);
    }
  }

  one(slot, path, parameters = {}) {
    const url = address(path, parameters);
    return this.#read(slot, url, () => (path.startsWith(SAVED_QUERIES) ? inTurn(url) : get(url)));
  }

  list(slot, path, parameters, list, shown, within) {
    return this.#read(slot, `${address(path, parameters)} ${shown}`, () => getList(path, parameters, list, shown, within));
  }

  // { data, error, isLoading, isOther, loadedAt }; isOther: data answers what was asked before in this place.
  #read(slot, key, load) {
    this.#used.add(key);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { key, load, data: null, error: null, isLoading: false, loadedAt: null };
      this.#entries.set(key, entry);
      this.#load(entry);
    }
    if (entry.data) this.#slots.set(slot, entry.data);
    const before = this.#slots.get(slot);
    return entry.data || entry.error || !before ? { ...entry, isOther: false } : { ...entry, data: before, isOther: true };
  }

  async #load(entry) {
    if (entry.isLoading) return;
    entry.isLoading = true;
    try {
      entry.data = await entry.load();
      entry.error = null;
      entry.loadedAt = Date.now();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      entry.error = error;
    } finally {
      entry.isLoading = false;
    }
    this.#onchange();
  }

  shown() {
    return [...this.#entries.values()].filter((entry) => this.#used.has(entry.key));
  }

  // Loads again what is shown; resolves when every part has its answer or its error.
  async refresh(olderThanMilliseconds = 0) {
    const due = this.shown().filter((entry) => !entry.loadedAt || Date.now() - entry.loadedAt >= olderThanMilliseconds);
    const loading = due.map((entry) => this.#load(entry));
    this.#onchange();
    await Promise.all(loading);
  }
}
