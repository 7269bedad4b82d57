/** Pieces that both analyses show the same way: model and validity, sortable tables. */

import { fill, h, icon } from "../dom";
import { decimal } from "../format";
import { say, t } from "../lang";
import type { DispatchAnswer, ImpactAnswer } from "../contract";

/** Say loudly when a model was used outside its range; nothing when it was not. */
export function validityBox(answer: ImpactAnswer | DispatchAnswer): HTMLElement | null {
  const { validity } = answer;
  if (validity.in_range) return null;
  const warnings = validity.violated.map((why) => h("li", {}, say(why)));
  return h(
    "div",
    { class: "note warn inline", role: "alert", id: "validity" },
    icon("warn"),
    h("div", {}, h("strong", {}, t("outsideValidity")), h("ul", {}, ...warnings)),
  );
}

/** Say which model answered, by which standard, and what is known of its error. */
export function modelBox(answer: ImpactAnswer | DispatchAnswer): HTMLElement {
  const { model } = answer;
  return h(
    "div",
    { class: "model" },
    h("p", { class: "quiet", id: "model" }, `${t("model")}: ${model.name} ${model.version}`),
    model.standard && h("p", { class: "quiet" }, `${t("standard")}: ${model.standard}`),
    model.uncertainty &&
      h("p", { class: "quiet" }, `${t("uncertainty")}: ${say(model.uncertainty)}`),
    h("p", { class: "quiet" }, t("answeredIn", { s: decimal(answer.elapsed_s, 2) })),
  );
}

export interface Column<T> {
  title: string;
  /** What the column is sorted by; texts by the alphabet, numbers from the largest if `down`. */
  key: (row: T) => string | number | null;
  show: (row: T) => Node | string;
  numeric?: boolean;
  down?: boolean;
}

const PAGE = 50;

/** Return a table whose heads sort it, with more rows on request; a click on a row calls `open`. */
export function sortable<T>(
  id: string,
  columns: Column<T>[],
  rows: T[],
  open: ((row: T) => void) | null,
): HTMLElement {
  let sorted = 0;
  let down = columns[0]?.down ?? false;
  let shown = PAGE;
  const box = h("div", { class: "scroll", id });
  const compare = (a: T, b: T): number => {
    const key = columns[sorted]?.key;
    const [x, y] = [key?.(a) ?? null, key?.(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order =
      typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
    return down ? -order : order;
  };
  const head = (column: Column<T>, index: number): HTMLElement => {
    const sort = index === sorted ? (down ? "descending" : "ascending") : "none";
    const act = (): void => {
      if (index === sorted) down = !down;
      else [sorted, down] = [index, column.down ?? false];
      draw();
    };
    const button = h("button", { onclick: act }, column.title);
    return h("th", { scope: "col", "aria-sort": sort, class: column.numeric && "number" }, button);
  };
  const line = (row: T): HTMLElement => {
    const cells = columns.map((column) =>
      h("td", { class: column.numeric && "number" }, column.show(row)),
    );
    if (!open) return h("tr", {}, ...cells);
    const act = (): void => open(row);
    const key = (event: Event): void => {
      if ((event as KeyboardEvent).key === "Enter") act();
    };
    return h("tr", { class: "open", tabindex: "0", onclick: act, onkeydown: key }, ...cells);
  };
  const draw = (): void => {
    const some = [...rows].sort(compare).slice(0, shown);
    const more = (): void => {
      shown += PAGE * 4;
      draw();
    };
    const rest = rows.length - some.length;
    fill(
      box,
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...columns.map(head))),
        h("tbody", {}, ...some.map(line)),
      ),
      rest > 0 && h("button", { class: "button", onclick: more }, t("showMore", { n: rest })),
    );
  };
  draw();
  return box;
}

/** Return a folding section; `count` stands in its head. */
export function section(
  title: string,
  count: number | null,
  content: HTMLElement,
  open = false,
): HTMLElement {
  const summary = h(
    "summary",
    {},
    h("span", {}, title),
    count === null ? null : h("span", { class: "count" }, count),
  );
  return h("details", { class: "section", open }, summary, content);
}
