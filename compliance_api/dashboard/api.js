// Asks the API. An answer is data or an error; there is nothing in between that could be taken for "none".

export class ApiError extends Error {
  constructor(status, detail, retryAfterSeconds) {
    super(detail);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const APPLICATIONS = "/api/compliance/applications";

export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

export async function get(path, parameters, signal) {
  let answer;
  try {
    // What the browser kept tells an older age of the run than there is.
    answer = await fetch(address(path, parameters), { signal, cache: "no-store", headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The API cannot be reached from this browser.", null);
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  const detail = body?.detail || `The API answered ${answer.status}.`;
  throw new ApiError(answer.status, detail, Number(answer.headers.get("Retry-After")) || null);
}
