// Builds elements from data. Text is always text: nothing here parses markup.

// What nobody sees: control and format characters, which turn a line around or have no width, and separators.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const SVG = "http://www.w3.org/2000/svg";

// Names are chosen by others: what cannot be seen becomes a space, as in publisher/texts.py.
export const harmless = (text) => String(text).replace(UNSEEN, " ");

const shown = (child) => (child instanceof Node ? child : harmless(child));

export function element(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

export function drawing(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

function filled(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, harmless(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined).map(shown));
  return node;
}

export function show(container, ...children) {
  container.replaceChildren(...children.flat().map(shown));
}

export function link(href, text, description) {
  // Only to where the API says, and only to web pages.
  if (typeof href !== "string" || !/^https:\/\//.test(href)) return document.createTextNode(harmless(text));
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", "aria-label": description }, text);
}

// Columns: { title, number, sort, cell(item) }. `sorted` marks the column that the rows are sorted by.
export function table({ caption, label, columns, items, sorted, onsort }) {
  const heading = (column) => {
    const direction = sorted === column.sort ? "ascending" : sorted === `-${column.sort}` ? "descending" : null;
    const title = column.sort
      ? element("button", { type: "button", onclick: () => onsort(column.sort) },
        column.title, direction ? (direction === "ascending" ? " ▲" : " ▼") : "")
      : column.title;
    return element("th", { scope: "col", class: column.number && "number", "aria-sort": direction }, title);
  };
  const row = (item) => element("tr", {}, columns.map((column) => {
    const cell = column.cell(item);
    return element("td", { class: column.class || (column.number && "number") }, cell === null ? "" : cell);
  }));
  return element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    element("table", {},
      caption ? element("caption", {}, caption) : null,
      element("thead", {}, element("tr", {}, columns.map(heading))),
      element("tbody", {}, items.map(row))));
}
