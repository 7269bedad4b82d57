/** Making elements.  Text always goes in as text, so data from the service is never markup. */

type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, string | number | boolean | EventListener | null | undefined>;

/** Return a new element; `on…` attributes are listeners, `false` and `null` are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  put(element, children);
  return element;
}

/** Append children, leaving out the empty ones. */
export function put(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replace what an element holds. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  put(element, children);
}

const ICONS: Record<string, string> = {
  layers: "M12 3 2 8.5 12 14l10-5.5zM4.2 12.2 2 13.5 12 19l10-5.5-2.2-1.3L12 16.4z",
  water: "M12 2.5S5 10.6 5 15.3A7 7 0 0 0 19 15.3C19 10.6 12 2.5 12 2.5z",
  file: "M6 2h8l5 5v15H6zm7 1.5V8h4.5zM8.5 12h7v1.6h-7zm0 4h7v1.6h-7z",
  impact:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2.2a7.8 7.8 0 1 1 0 15.6 7.8 7.8 0 0 1 0-15.6zm0 3.6a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4z",
  dispatch:
    "M2 6h12v9H2zm13 3h4l3 3.5V15h-7zM6 14.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zm12 0a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  refresh:
    "M12 4a8 8 0 0 1 7.4 5H16v2h7V4h-2v3.3A10 10 0 0 0 2.2 10h2.1A8 8 0 0 1 12 4zM1 20h2v-3.3A10 10 0 0 0 21.8 14h-2.1A8 8 0 0 1 4.6 15H8v-2H1z",
  home: "M12 3 2 12h3v8h5v-6h4v6h5v-8h3z",
  city: "M3 21V9l6-4v5h3V3l9 3.5V21h-6v-4h-3v4zm3-9v2h2v-2zm0 4h2v2H6zm9-8v2h3V8zm0 4v2h3v-2z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  close:
    "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  warn: "M12 3 1.5 21h21zm-1 7h2v5.5h-2zm0 7h2v2h-2z",
  phone:
    "M6.6 2.5 3 4.2c0 9 7.8 16.8 16.8 16.8l1.7-3.6-4.7-2.7-2.2 1.9c-2.7-1.2-5-3.5-6.2-6.2l1.9-2.2z",
};

/** Bring the beginning of an answer to the top of its pane. */
export function reveal(pane: Element, id: string): void {
  const found = pane.querySelector<HTMLElement>(`#${id}`);
  if (found) pane.scrollTop = found.offsetTop - 2;
}

/** Return one of the page's own pictograms, as large as the text around it. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name] ?? "");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}
