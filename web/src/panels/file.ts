/** The file of one feature: every property, with the titles and units of its layer. */

import type { Geometry } from "geojson";

import { AwayError, api } from "../api";
import { sayCode } from "../codes";
import type { Field, Item, LayerInfo } from "../contract";
import { fill, h, icon } from "../dom";
import { moment, quantity } from "../format";
import { lang, say, t } from "../lang";
import { anchorOf } from "../map/overlay";
import type { CityLayers } from "../map/citylayers";
import type { Candidate, Picked, Selection } from "../map/selection";
import { errorBox } from "./notice";

export interface FileActions {
  impact: (layer: string, item: Item, at: [number, number]) => void;
  dispatch: (at: [number, number], name: string | null) => void;
  closeRoad: (item: Item) => void;
}

type State =
  | { kind: "none" }
  | { kind: "place"; picked: Picked }
  | { kind: "loading"; candidate: Candidate; picked: Picked }
  | { kind: "failed"; candidate: Candidate; picked: Picked; error: unknown }
  | { kind: "item"; layer: string; item: Item; picked: Picked };

const DATE = /^\d{4}-\d\d-\d\dT/;

export class FilePanel {
  readonly #pane: HTMLElement;
  readonly #layers: CityLayers;
  readonly #selection: Selection;
  readonly #actions: FileActions;
  #state: State = { kind: "none" };

  constructor(pane: HTMLElement, layers: CityLayers, selection: Selection, actions: FileActions) {
    this.#pane = pane;
    this.#layers = layers;
    this.#selection = selection;
    this.#actions = actions;
    lang.watch(() => this.#draw());
  }

  /** Show what was picked: the first candidate's file, or the bare place. */
  async pick(picked: Picked): Promise<void> {
    const [first] = picked.candidates;
    if (first) return this.open(first, picked);
    this.#set({ kind: "place", picked });
    this.#selection.mark({ type: "Point", coordinates: [picked.lon, picked.lat] });
  }

  async open(candidate: Candidate, picked?: Picked): Promise<void> {
    const from = picked ?? { lon: Number.NaN, lat: Number.NaN, candidates: [] };
    this.#set({ kind: "loading", candidate, picked: from });
    try {
      const item = await api.item(candidate.layer, candidate.id);
      if (this.#state.kind !== "loading" || this.#state.candidate !== candidate) return;
      this.#set({ kind: "item", layer: candidate.layer, item, picked: from });
      this.#selection.mark(item.geometry);
    } catch (error) {
      if (this.#state.kind === "loading" && this.#state.candidate === candidate)
        this.#set({ kind: "failed", candidate, picked: from, error });
    }
  }

  /** Ask again for what failed while the service was away. */
  retry(): void {
    const state = this.#state;
    if (state.kind === "failed" && state.error instanceof AwayError)
      void this.open(state.candidate, state.picked);
  }

  #set(state: State): void {
    this.#state = state;
    this.#draw();
  }

  #draw(): void {
    const state = this.#state;
    switch (state.kind) {
      case "none":
        return fill(this.#pane, h("div", { class: "empty" }, t("clickSomething")));
      case "place":
        return fill(this.#pane, ...this.#place(state.picked));
      case "loading":
        return fill(this.#pane, h("div", { class: "spinner" }), h("p", {}, t("loading")));
      case "failed":
        return fill(this.#pane, errorBox(state.error));
      case "item":
        return fill(this.#pane, ...this.#item(state.layer, state.item, state.picked));
    }
  }

  #place({ lon, lat }: Picked): HTMLElement[] {
    const item = { type: "Feature", id: 0, properties: {} } as unknown as Item;
    item.geometry = { type: "Point", coordinates: [lon, lat] };
    return [
      h("h2", {}, t("place")),
      h("p", { class: "quiet" }, `${lon.toFixed(6)}, ${lat.toFixed(6)}`),
      this.#buttons("", item, [lon, lat]),
    ];
  }

  #buttons(layer: string, item: Item, at: [number, number]): HTMLElement {
    const name = typeof item.properties["name"] === "string" ? item.properties["name"] : null;
    const act = (id: string, picture: string, text: string, run: () => void) =>
      h("button", { class: "button primary", id, onclick: run }, icon(picture), text);
    return h(
      "div",
      { class: "actions" },
      act("act-impact", "impact", t("impactHere"), () => this.#actions.impact(layer, item, at)),
      act("act-dispatch", "dispatch", t("dispatchHere"), () => this.#actions.dispatch(at, name)),
      layer === "road_edge" &&
        act("act-close", "close", t("closeRoad"), () => this.#actions.closeRoad(item)),
    );
  }

  #item(layer: string, item: Item, picked: Picked): (HTMLElement | null)[] {
    const info = this.#layers.info(layer);
    const name = item.properties["name"];
    const clicked: [number, number] = [picked.lon, picked.lat];
    const at = Number.isFinite(picked.lon) ? clicked : anchorOf(item.geometry as Geometry);
    return [
      h("p", { class: "kicker" }, say(info?.title ?? layer)),
      h(
        "h2",
        { id: "file-title" },
        name ? String(name) : `${say(info?.title ?? layer)} ${item.id}`,
      ),
      this.#buttons(layer, item, at ?? [0, 0]),
      fileLink(layer, item),
      this.#table(info, item),
      this.#others(layer, item, picked),
    ];
  }

  #others(layer: string, item: Item, picked: Picked): HTMLElement | null {
    const others = picked.candidates.filter((c) => !(c.layer === layer && c.id === item.id));
    if (others.length === 0) return null;
    const buttons = others.slice(0, 8).map((candidate) => {
      const title = say(this.#layers.info(candidate.layer)?.title ?? candidate.layer);
      const text = candidate.name ? `${title} · ${candidate.name}` : `${title} ${candidate.id}`;
      return h(
        "button",
        { class: "button", onclick: () => void this.open(candidate, picked) },
        text,
      );
    });
    return h("div", { class: "others" }, h("h3", {}, t("alsoHere")), ...buttons);
  }

  #table(info: LayerInfo | undefined, item: Item): HTMLElement {
    const fields = new Map((info?.fields ?? []).map((field) => [field.name, field]));
    const names = [...fields.keys(), ...Object.keys(item.properties)].sort(
      // Its number in every format: needed to quote it, not to understand it.
      (a, b) => Number(a === "uid") - Number(b === "uid"),
    );
    const rows: HTMLElement[] = [];
    for (const name of new Set(names)) {
      const value = item.properties[name];
      if (name === "name" || name === "attrs" || isEmpty(value)) continue;
      const field = fields.get(name);
      rows.push(row(name, say(field?.title ?? name), sayValue(value, field, info?.id)));
    }
    const attrs = item.properties["attrs"];
    if (attrs && typeof attrs === "object")
      for (const [name, value] of Object.entries(attrs))
        if (!isEmpty(value)) rows.push(row(`attrs.${name}`, name, sayValue(value)));
    const table = h("table", { class: "file" }, h("tbody", {}, ...rows));
    return h("div", { class: "scroll" }, table);
  }
}

/** Return the way to the page with all that is known of a feature. */
function fileLink(layer: string, item: Item): HTMLElement {
  const href = `/collections/${layer}/items/${item.id}/file?f=html`;
  return h("p", {}, h("a", { id: "file-page", href, target: "_blank" }, t("wholeFile")));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}

function row(name: string, title: string, content: string | HTMLElement): HTMLElement {
  return h("tr", { "data-field": name }, h("th", { scope: "row" }, title), h("td", {}, content));
}

function sayValue(value: unknown, field?: Field, layer = ""): string | HTMLElement {
  if (field?.codes && String(value) in field.codes)
    return sayCode(`${layer}.${field.name}`, String(value));
  if (typeof value === "number") return quantity(value, field?.unit ?? null);
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (Array.isArray(value)) return value.map((part) => String(part)).join("，");
  if (typeof value === "object") return JSON.stringify(value);
  const text = String(value);
  if (field && /phone/.test(field.name)) return phoneLink(text);
  if (DATE.test(text)) return moment(text);
  return text;
}

/** Return a number that a tablet or phone can dial. */
export function phoneLink(phone: string): HTMLElement {
  return h("a", { class: "phone", href: `tel:${phone.replace(/\s/g, "")}` }, icon("phone"), phone);
}
