/** An impact on the map: rings, the buildings inside each, the place itself. */

import type { Feature } from "geojson";
import type { ExpressionSpecification, FilterSpecification, Map as MapLibre } from "maplibre-gl";

import { allItems } from "../api";
import type { ImpactAnswer } from "../contract";
import { HEIGHT, type CityLayers } from "./citylayers";
import { flyTo, setFeatures } from "./overlay";

const SOURCE = "impact";
const TILES = "impact-tiles";

/** From the innermost ring outwards: severe, serious, slight. */
export const RING_COLOURS = ["#b30d3b", "#e8590c", "#f2a900", "#f6d55c"];

export function ringColour(index: number | null | undefined): string {
  return RING_COLOURS[Math.min(index ?? 0, RING_COLOURS.length - 1)] ?? "#b30d3b";
}

const ROLE = (role: string): ExpressionSpecification => ["==", ["get", "role"], role];

export class ImpactLayer {
  readonly #map: MapLibre;
  readonly #layers: CityLayers;
  #run: string | null = null;

  constructor(map: MapLibre, layers: CityLayers) {
    this.#map = map;
    this.#layers = layers;
    setFeatures(map, SOURCE, []);
    this.#addRings();
    if (layers.info("building")) this.#addBuildings();
    layers.solid.watch((solid) => this.#stand(solid));
  }

  #addRings(): void {
    const colour: ExpressionSpecification = ["coalesce", ["get", "colour"], "#b30d3b"];
    this.#map.addLayer({
      id: "impact:area",
      type: "fill",
      source: SOURCE,
      filter: ROLE("ring"),
      paint: { "fill-color": colour, "fill-opacity": 0.1 },
    });
    this.#map.addLayer({
      id: "impact:rim",
      type: "line",
      source: SOURCE,
      filter: ROLE("ring"),
      paint: { "line-color": colour, "line-width": 3 },
    });
    this.#map.addLayer({
      id: "impact:line",
      type: "line",
      source: SOURCE,
      filter: ["all", ROLE("incident"), ["!=", ["geometry-type"], "Point"]],
      layout: { "line-cap": "round" },
      paint: { "line-color": "#b30d3b", "line-width": 6 },
    });
    this.#map.addLayer({
      id: "impact:point",
      type: "circle",
      source: SOURCE,
      filter: ["all", ROLE("incident"), ["==", ["geometry-type"], "Point"]],
      paint: {
        "circle-radius": 9,
        "circle-color": "#b30d3b",
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 3,
      },
    });
  }

  #addBuildings(): void {
    const none: FilterSpecification = ["==", ["literal", true], false];
    this.#map.addLayer(
      {
        id: "impact:building",
        type: "fill",
        source: "building",
        "source-layer": "building",
        filter: none,
        paint: { "fill-color": "#b30d3b", "fill-opacity": 0.85 },
      },
      "impact:area",
    );
    this.#map.addLayer(
      {
        id: "impact:walls",
        type: "fill-extrusion",
        source: "building",
        "source-layer": "building",
        filter: none,
        layout: { visibility: "none" },
        paint: {
          "fill-extrusion-color": "#b30d3b",
          "fill-extrusion-height": HEIGHT,
          "fill-extrusion-opacity": 0.95,
        },
      },
      "impact:area",
    );
  }

  #stand(solid: boolean): void {
    if (!this.#map.getLayer("impact:walls")) return;
    this.#map.setLayoutProperty("impact:walls", "visibility", solid ? "visible" : "none");
    this.#map.setLayoutProperty("impact:building", "visibility", solid ? "none" : "visible");
  }

  #paintBuildings(answer: ImpactAnswer | null): void {
    if (!this.#map.getLayer("impact:building")) return;
    const ids = (answer?.buildings ?? []).map((building) => building.id);
    const filter: FilterSpecification = ["in", ["id"], ["literal", ids]];
    const byRing = new Map<string, number[]>();
    for (const { id, ring } of answer?.buildings ?? []) {
      const colour = ringColour(ring);
      byRing.set(colour, [...(byRing.get(colour) ?? []), id]);
    }
    const cases = [...byRing].flatMap(([colour, members]) => [members, colour]);
    const colour = cases.length
      ? (["match", ["id"], ...cases, "#b30d3b"] as unknown as ExpressionSpecification)
      : "#b30d3b";
    this.#layers.replaceWalls("building", ids);
    for (const layer of ["impact:building", "impact:walls"]) this.#map.setFilter(layer, filter);
    this.#map.setPaintProperty("impact:building", "fill-color", colour);
    this.#map.setPaintProperty("impact:walls", "fill-extrusion-color", colour);
  }

  /** Beyond the listed buildings the run's own tiles show the rest. */
  #showTiles(answer: ImpactAnswer | null): void {
    if (this.#map.getLayer("impact:rest")) this.#map.removeLayer("impact:rest");
    if (this.#map.getSource(TILES)) this.#map.removeSource(TILES);
    if (!answer || answer.totals.buildings <= answer.buildings.length) return;
    const tiles = `${location.origin}/tiles/analysis_feature/{z}/{x}/{y}?run_id=${answer.run_id}`;
    this.#map.addSource(TILES, { type: "vector", tiles: [tiles], maxzoom: 16 });
    this.#map.addLayer(
      {
        id: "impact:rest",
        type: "fill",
        source: TILES,
        "source-layer": "analysis_feature",
        filter: ROLE("building"),
        paint: { "fill-color": "#b30d3b", "fill-opacity": 0.55 },
      },
      "impact:area",
    );
  }

  /** Show an answer and go there; the rings come from the stored run. */
  async show(answer: ImpactAnswer): Promise<void> {
    this.#run = answer.run_id;
    this.#layers.show("building", true);
    this.#paintBuildings(answer);
    this.#showTiles(answer);
    const path = `${answer.features_url}&limit=100`;
    const [rings, incidents] = await Promise.all([
      allItems(`${path}&role=ring`, 100),
      allItems(`${path}&role=incident`, 100),
    ]);
    if (this.#run !== answer.run_id) return;
    const features = [...this.#coloured(rings, answer), ...incidents];
    setFeatures(this.#map, SOURCE, features);
    flyTo(
      this.#map,
      (rings.length ? rings : incidents).map((item) => item.geometry),
    );
  }

  /** Give each ring the colour of its place in the answer, the largest drawn first. */
  #coloured(rings: Feature[], answer: ImpactAnswer): Feature[] {
    const radii = [...answer.rings].map((ring) => ring.radius_m).sort((a, b) => a - b);
    const found = rings.map((ring, at) => {
      const attrs = (ring.properties?.["attrs"] ?? {}) as Record<string, unknown>;
      const radius = Number(ring.properties?.["radius_m"] ?? attrs["radius_m"]);
      const near = radii.findIndex((r) => Math.abs(r - radius) <= 0.01 * r);
      return { ring, index: near >= 0 ? near : at };
    });
    return found
      .sort((a, b) => b.index - a.index)
      .map(({ ring, index }) => ({
        ...ring,
        properties: { ...ring.properties, role: "ring", colour: ringColour(index) },
      }));
  }

  clear(): void {
    this.#run = null;
    setFeatures(this.#map, SOURCE, []);
    this.#paintBuildings(null);
    this.#showTiles(null);
  }
}
