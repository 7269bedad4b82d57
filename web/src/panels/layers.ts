/** The list of layers: what is drawn, how it looks, how much of it there is. */

import type { Map as MapLibre } from "maplibre-gl";

import type { City, LayerInfo, LegendEntry } from "../contract";
import { fill, h } from "../dom";
import { whole } from "../format";
import { lang, say, t } from "../lang";
import { asOf } from "../map/asof";
import type { CityLayers } from "../map/citylayers";
import { kindsOf } from "../map/kinds";
import { asOfField } from "./asof";

function swatch(entry: LegendEntry): HTMLElement {
  const mark = h("i", { class: `swatch ${entry.shape}` });
  mark.style.setProperty("--colour", entry.colour);
  return mark;
}

/** From which zoom something of the layer is drawn. */
function seenFrom(info: LayerInfo): number {
  const styled = info.style.map((style) => (style as { minzoom?: number }).minzoom ?? 0);
  return Math.max(info.minzoom, Math.min(...styled));
}

export class LayersPanel {
  readonly #pane: HTMLElement;
  readonly #map: MapLibre;
  readonly #layers: CityLayers;
  readonly #city: City;

  constructor(pane: HTMLElement, map: MapLibre, layers: CityLayers, city: City) {
    this.#pane = pane;
    this.#map = map;
    this.#layers = layers;
    this.#city = city;
    lang.watch(() => this.#draw());
    layers.visible.onChange(() => this.#update());
    // Back to now: the field is empty again.
    asOf.onChange((moment) => moment === null && this.#draw());
    map.on("zoomend", () => this.#update());
  }

  #count(info: LayerInfo): number | null {
    return info.count ?? this.#city.layers[info.id] ?? null;
  }

  #draw(): void {
    const groups = new Map<string, LayerInfo[]>();
    for (const info of this.#layers.infos)
      groups.set(info.group, [...(groups.get(info.group) ?? []), info]);
    const parts = [...groups].map(([group, infos]) =>
      h(
        "fieldset",
        { class: "group" },
        h("legend", {}, say(infos[0]?.group_title ?? group)),
        ...infos.map((info) => this.#row(info)),
      ),
    );
    const empty = this.#layers.infos.every((info) => !this.#count(info));
    fill(
      this.#pane,
      empty && h("div", { class: "empty", id: "empty" }, t("emptyCity")),
      ...parts,
      asOfField(),
      this.#otherMap(),
    );
    this.#update();
  }

  /** The way to the map in degrees of CGCS2000; the address carries the view over. */
  #otherMap(): HTMLElement {
    const link = h(
      "a",
      {
        id: "to-cgcs2000",
        class: "other-map",
        href: "cgcs2000/",
        onclick: () => {
          link.href = `cgcs2000/${location.hash}`;
        },
      },
      t("cgcs2000Map"),
    );
    return link;
  }

  #row(info: LayerInfo): HTMLElement {
    const [only] = info.legend;
    const single = info.legend.length === 1 && only;
    const box = h("input", {
      type: "checkbox",
      role: "switch",
      id: `show-${info.id}`,
      "data-layer": info.id,
      onchange: (event: Event) =>
        this.#layers.show(info.id, (event.target as HTMLInputElement).checked),
    });
    const label = h(
      "label",
      { class: "layer", for: `show-${info.id}`, title: say(info.description) },
      box,
      single ? swatch(single) : null,
      h("span", { class: "name" }, say(info.title)),
      h("span", { class: "far", "data-far": info.id, hidden: true }, t("zoomCloser")),
      h("span", { class: "count", "data-count": info.id }, whole(this.#count(info))),
    );
    if (info.legend.length < 2) return label;
    const kinds = kindsOf(info);
    const entries = info.legend.map((entry) =>
      kinds?.byColour.has(entry.colour)
        ? this.#kind(info, entry)
        : h("span", { class: "entry" }, swatch(entry), say(entry.label)),
    );
    return h("div", {}, label, h("div", { class: "legend", "data-legend": info.id }, ...entries));
  }

  /** An entry that is a button: it draws or hides its kind. */
  #kind(info: LayerInfo, entry: LegendEntry): HTMLElement {
    const hidden = this.#layers.hidden.value.get(info.id)?.has(entry.colour) ?? false;
    const button = h(
      "button",
      {
        class: "entry",
        "aria-pressed": String(!hidden),
        title: t("showKind"),
        onclick: () => {
          const on = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(on));
          this.#layers.showKind(info.id, entry.colour, on);
        },
      },
      swatch(entry),
      say(entry.label),
    );
    return button;
  }

  #update(): void {
    const zoom = this.#map.getZoom();
    for (const info of this.#layers.infos) {
      const on = this.#layers.visible.value.has(info.id);
      const box = this.#pane.querySelector<HTMLInputElement>(`#show-${info.id}`);
      if (box) box.checked = on;
      const far = this.#pane.querySelector<HTMLElement>(`[data-far="${info.id}"]`);
      if (far) far.hidden = !on || zoom >= seenFrom(info);
      const legend = this.#pane.querySelector<HTMLElement>(`[data-legend="${info.id}"]`);
      if (legend) legend.hidden = !on || this.#count(info) === 0;
    }
  }
}
