// Times as people read them: UTC, which everybody here shares, and beside it the time where the reader is.

import { html, nothing } from "./vendor/lit-html/lit-html.js";

const UTC = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const LOCAL_TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const LOCAL_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const ZONE = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

const MOST_REMEMBERED = 20_000;

// Formatting is slow, and a long list has the same few times in thousands of rows.
function remembered(format) {
  const known = new Map();
  return (text) => {
    if (!known.has(text)) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(text, format(text));
    }
    return known.get(text);
  };
}

const inUtc = remembered((text) => `${UTC.format(new Date(text))} UTC`);
export const utc = (text) => (text ? inUtc(text) : "–");
export const shortDay = (text) => SHORT.format(new Date(text));

const local = remembered((text) => {
  const time = new Date(text);
  if (time.getTimezoneOffset() === 0) return "";
  const zone = ZONE.formatToParts(time).find((part) => part.type === "timeZoneName")?.value ?? "here";
  const day = LOCAL_DAY.format(time) === SHORT.format(time) ? "" : `${LOCAL_DAY.format(time)}, `;
  return `${day}${LOCAL_TIME.format(time)} ${zone}`;
});

// A point in time, with the reader's own time below it where that differs.
export function moment(text, otherwise = "–") {
  if (!text) return otherwise;
  const here = local(text);
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
