/** What is picked on the map: the click, the candidates under it, and the mark around one. */

import type { Feature, Geometry } from "geojson";
import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";

import { Signal } from "../signal";
import { GROUND, theme } from "../theme";
import type { CityLayers } from "./citylayers";
import { feature, setFeatures } from "./overlay";

export interface Candidate {
  layer: string;
  id: number;
  name: string | null;
}

export interface Picked {
  lon: number;
  lat: number;
  candidates: Candidate[];
}

/** While a mode waits for a click, clicks go to it and not to the feature files. */
export interface PickMode {
  text: string;
  /** Layers that can be hit; `null` when only the place matters. */
  only: ReadonlySet<string> | null;
  take: (picked: Picked) => void;
  cancel?: () => void;
}

const SOURCE = "selected";
const FINGER_PX = 9;
const ORDER = ["point", "line", "polygon"];

export class Selection {
  readonly mode = new Signal<PickMode | null>(null);
  onPick: (picked: Picked) => void = () => undefined;
  readonly #map: MapLibre;
  readonly #layers: CityLayers;

  constructor(map: MapLibre, layers: CityLayers) {
    this.#map = map;
    this.#layers = layers;
    setFeatures(map, SOURCE, []);
    this.#addMark();
    map.on("click", (event) => this.#click(event));
    map.on("mousemove", (event) => this.#hover(event));
    this.mode.onChange((mode) => {
      map.getCanvas().style.cursor = mode ? "crosshair" : "";
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.cancel();
    });
  }

  cancel(): void {
    const mode = this.mode.value;
    this.mode.set(null);
    mode?.cancel?.();
  }

  #addMark(): void {
    const colour = GROUND[theme.value].pick;
    this.#map.addLayer({
      id: "selected:fill",
      type: "fill",
      source: SOURCE,
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": colour, "fill-opacity": 0.28 },
    });
    this.#map.addLayer({
      id: "selected:halo",
      type: "line",
      source: SOURCE,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": "#ffffff", "line-width": 8, "line-opacity": 0.75 },
    });
    this.#map.addLayer({
      id: "selected:line",
      type: "line",
      source: SOURCE,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": colour, "line-width": 4 },
    });
    this.#map.addLayer({
      id: "selected:point",
      type: "circle",
      source: SOURCE,
      filter: ["==", ["geometry-type"], "Point"],
      paint: {
        "circle-radius": 17,
        "circle-color": "rgba(0,0,0,0)",
        "circle-stroke-color": colour,
        "circle-stroke-width": 4,
      },
    });
    theme.onChange((now) => {
      const pick = GROUND[now].pick;
      this.#map.setPaintProperty("selected:fill", "fill-color", pick);
      this.#map.setPaintProperty("selected:line", "line-color", pick);
      this.#map.setPaintProperty("selected:point", "circle-stroke-color", pick);
    });
  }

  mark(geometry: Geometry | null): void {
    const features: Feature[] = geometry ? [feature(geometry)] : [];
    setFeatures(this.#map, SOURCE, features);
  }

  #under(event: MapMouseEvent, only: ReadonlySet<string> | undefined): Candidate[] {
    const { x, y } = event.point;
    const box: [[number, number], [number, number]] = [
      [x - FINGER_PX, y - FINGER_PX],
      [x + FINGER_PX, y + FINGER_PX],
    ];
    const layers = this.#layers.drawn(only);
    if (layers.length === 0) return [];
    const near = this.#map.queryRenderedFeatures(box, { layers });
    // A finger needs room for points and lines; an area must really be under it.
    const exact = this.#map.queryRenderedFeatures(event.point, { layers });
    const found = new Map<string, Candidate & { rank: number }>();
    for (const [hits, polygons] of [
      [exact, true],
      [near, false],
    ] as const) {
      for (const hit of hits) {
        const layer = hit.source;
        const geometry = this.#layers.info(layer)?.geometry ?? "polygon";
        if (typeof hit.id !== "number" || (geometry === "polygon") !== polygons) continue;
        const key = `${layer}/${hit.id}`;
        const name = typeof hit.properties["name"] === "string" ? hit.properties["name"] : null;
        if (!found.has(key))
          found.set(key, { layer, id: hit.id, name, rank: ORDER.indexOf(geometry) });
      }
    }
    const areas = ["building", "grid_cell", "region"];
    const order = (c: Candidate & { rank: number }): number => c.rank * 10 + areas.indexOf(c.layer);
    return [...found.values()].sort((a, b) => order(a) - order(b));
  }

  #click(event: MapMouseEvent): void {
    const mode = this.mode.value;
    const { lng: lon, lat } = event.lngLat.wrap();
    if (!mode) {
      this.onPick({ lon, lat, candidates: this.#under(event, undefined) });
      return;
    }
    const candidates = mode.only ? this.#under(event, mode.only) : [];
    mode.take({ lon, lat, candidates });
  }

  #hover(event: MapMouseEvent): void {
    if (this.mode.value || this.#map.isMoving()) return;
    const layers = this.#layers.drawn();
    const over = layers.length > 0 && this.#map.queryRenderedFeatures(event.point, { layers });
    this.#map.getCanvas().style.cursor = over && over.length > 0 ? "pointer" : "";
  }
}
