/** Waterlogging now: how many points at each level, and the deepest first. */

import type { Map as MapLibre } from "maplibre-gl";

import type { Item } from "../contract";
import { sayCode } from "../codes";
import { fill, h, icon } from "../dom";
import { clock, depth } from "../format";
import { lang, t } from "../lang";
import { flyTo } from "../map/overlay";
import type { LiveWater } from "../map/live";

const LEVELS = ["red", "orange", "yellow", "blue"] as const;
const SHOWN = 100;

function depthOf(item: Item): number {
  const value = item.properties["depth_m"];
  return typeof value === "number" ? value : -1;
}

function levelOf(item: Item): string | null {
  const level = item.properties["level"];
  return typeof level === "string" ? level : null;
}

export class WaterPanel {
  readonly #pane: HTMLElement;
  readonly #chips: HTMLElement;
  readonly #live: LiveWater;
  readonly #map: MapLibre;
  readonly #open: (item: Item) => void;
  readonly #show: () => void;

  constructor(
    pane: HTMLElement,
    chips: HTMLElement,
    map: MapLibre,
    live: LiveWater,
    open: (item: Item) => void,
    show: () => void,
  ) {
    this.#pane = pane;
    this.#chips = chips;
    this.#map = map;
    this.#live = live;
    this.#open = open;
    this.#show = show;
    lang.watch(() => this.#draw());
    live.points.onChange(() => this.#draw());
  }

  #draw(): void {
    const points = [...this.#live.points.value].sort((a, b) => depthOf(b) - depthOf(a));
    this.#drawChips(points);
    const heard = this.#live.heardAt.value;
    const rows = points.slice(0, SHOWN).map((item) => this.#row(item));
    fill(
      this.#pane,
      h("h2", {}, t("waterNow")),
      h("p", { class: "quiet" }, heard ? t("heardAt", { time: clock(heard) }) : t("loading")),
      points.length === 0 && heard > 0 && h("div", { class: "empty" }, t("noWaterPoints")),
      h("ul", { class: "list" }, ...rows),
    );
  }

  #drawChips(points: Item[]): void {
    const chips = LEVELS.map((level) => {
      const count = points.filter((point) => levelOf(point) === level).length;
      if (count === 0) return null;
      const text = t("levelCount", { level: sayCode("waterlogging_point.level", level), count });
      const attributes = { class: `chip ${level}`, "data-level": level, title: text };
      return h(
        "button",
        { ...attributes, "aria-label": text, onclick: this.#show },
        icon("water"),
        count,
      );
    });
    fill(this.#chips, ...chips);
  }

  #row(item: Item): HTMLElement {
    const level = levelOf(item);
    const value = depthOf(item);
    return h(
      "li",
      {},
      h(
        "button",
        {
          class: "row",
          onclick: () => {
            flyTo(this.#map, [item.geometry], 16);
            this.#open(item);
          },
        },
        h("i", { class: `level ${level ?? "dry"}` }),
        h("span", { class: "name" }, String(item.properties["name"] ?? item.id)),
        h("span", { class: "quiet" }, clock(item.properties["depth_at"])),
        h("strong", {}, value < 0 ? "—" : depth(value)),
      ),
    );
  }
}
