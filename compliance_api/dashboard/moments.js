// Times as people read them: UTC, which everybody here shares, and beside it the time where the reader is.

import { html, nothing } from "./vendor/lit-html/lit-html.js";

const DAY_MILLISECONDS = 86_400_000;
const UTC = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const LOCAL_TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const LOCAL_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const ZONE = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

export const utc = (text) => (text ? `${UTC.format(new Date(text))} UTC` : "–");
export const shortDay = (text) => SHORT.format(new Date(text));

function local(time) {
  if (time.getTimezoneOffset() === 0) return "";
  const zone = ZONE.formatToParts(time).find((part) => part.type === "timeZoneName")?.value ?? "here";
  const day = LOCAL_DAY.format(time) === SHORT.format(time) ? "" : `${LOCAL_DAY.format(time)}, `;
  return `${day}${LOCAL_TIME.format(time)} ${zone}`;
}

// A point in time, with the reader's own time below it where that differs.
export function moment(text, otherwise = "–") {
  if (!text) return otherwise;
  const time = new Date(text);
  const here = local(time);
  return html`<time datetime=${text}>${utc(text)}${here ? html` <small class="local">(${here})</small>` : nothing}</time>`;
}

export function age(seconds) {
  const counted = (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  if (seconds < 90) return counted(Math.max(0, Math.round(seconds)), "second");
  if (seconds < 5400) return counted(Math.round(seconds / 60), "minute");
  if (seconds < 172_800) return counted(Math.round(seconds / 3600), "hour");
  return counted(Math.round(seconds / 86_400), "day");
}

// How long ago, or how far ahead, a moment is.
export function distance(text, now) {
  if (!text) return "";
  const seconds = (now - new Date(text)) / 1000;
  return seconds >= 0 ? age(seconds) : `in ${age(-seconds)}`;
}

export const daysBetween = (earlier, later) => (new Date(later) - new Date(earlier)) / DAY_MILLISECONDS;
