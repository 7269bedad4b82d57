/** A dispatch on the map: routes with their times, closed roads, the incident, drawn closures. */

import type { Feature, Polygon, Position } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";

import { allItems } from "../api";
import type { Assigned, DispatchAnswer } from "../contract";
import { duration } from "../format";
import { lang } from "../lang";
import { GROUND, theme } from "../theme";
import { feature, flyTo, setFeatures } from "./overlay";

const ROUTES = "routes";
const CLOSED = "closed";
const ZONES = "closures";

/** Told apart by people who see no red from green, on both grounds (after Okabe and Ito). */
const ROUTE_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a5cd6", "#b8860b"];

export function routeColour(index: number): string {
  return ROUTE_COLOURS[index % ROUTE_COLOURS.length] ?? "#0072b2";
}

/** Dash patterns of one moving dash; MapLibre has no dash offset, so the pattern itself moves. */
const DASHES = [
  [0, 4, 3],
  [0.5, 4, 2.5],
  [1, 4, 2],
  [1.5, 4, 1.5],
  [2, 4, 1],
  [2.5, 4, 0.5],
  [3, 4, 0],
  [0, 0.5, 3, 3.5],
  [0, 1, 3, 3],
  [0, 1.5, 3, 2.5],
  [0, 2, 3, 2],
  [0, 2.5, 3, 1.5],
  [0, 3, 3, 1],
  [0, 3.5, 3, 0.5],
];

/** As near as engines of one yard stand, degrees: about 25 m. */
const ONE_YARD = 0.00025;

/** Return where the teams start; those of one yard share a mark. */
function starts(assigned: Assigned[]): Feature[] {
  const marks: { at: Position; label: string[]; number: string[]; colour: string }[] = [];
  assigned.forEach(({ route, name, travel_time_s }, index) => {
    const [start] = route.coordinates;
    if (!start) return;
    const number = String(index + 1);
    const label = `${name ?? number} ${duration(travel_time_s)}`;
    const near = marks.find((mark) =>
      mark.at.every((degrees, axis) => Math.abs(degrees - (start[axis] ?? 0)) < ONE_YARD),
    );
    if (near) {
      near.number.push(number);
      near.label.push(label);
    } else marks.push({ at: start, label: [label], number: [number], colour: routeColour(index) });
  });
  return marks.map(({ at, label, number, colour }) =>
    feature(
      { type: "Point", coordinates: at },
      { role: "start", colour, label: label.join("\n"), number: number.join(",") },
    ),
  );
}

export class DispatchLayer {
  readonly #map: MapLibre;
  #timer = 0;
  #answer: DispatchAnswer | null = null;

  constructor(map: MapLibre) {
    this.#map = map;
    for (const source of [ROUTES, CLOSED, ZONES]) setFeatures(map, source, []);
    this.#addClosed();
    this.#addRoutes();
    lang.onChange(() => this.#draw());
    theme.onChange((now) => {
      map.setPaintProperty("routes:text", "text-color", GROUND[now].text);
      map.setPaintProperty("routes:text", "text-halo-color", GROUND[now].halo);
    });
  }

  #addClosed(): void {
    this.#map.addLayer({
      id: "closures:fill",
      type: "fill",
      source: ZONES,
      paint: { "fill-color": "#e11d2e", "fill-opacity": 0.18 },
    });
    this.#map.addLayer({
      id: "closures:line",
      type: "line",
      source: ZONES,
      paint: { "line-color": "#e11d2e", "line-width": 2.5, "line-dasharray": [3, 2] },
    });
    this.#map.addLayer({
      id: "closed:halo",
      type: "line",
      source: CLOSED,
      paint: { "line-color": "#ffffff", "line-width": 7 },
    });
    this.#map.addLayer({
      id: "closed:line",
      type: "line",
      source: CLOSED,
      paint: { "line-color": "#e11d2e", "line-width": 4.5, "line-dasharray": [1.2, 0.8] },
    });
  }

  #addRoutes(): void {
    const round = { "line-cap": "round", "line-join": "round" } as const;
    const isLine = ["==", ["geometry-type"], "LineString"] as ["==", ["geometry-type"], string];
    const isPoint = ["==", ["geometry-type"], "Point"] as ["==", ["geometry-type"], string];
    this.#map.addLayer({
      id: "routes:case",
      type: "line",
      source: ROUTES,
      filter: isLine,
      layout: round,
      paint: { "line-color": "#ffffff", "line-width": 11, "line-offset": ["get", "offset"] },
    });
    this.#map.addLayer({
      id: "routes:line",
      type: "line",
      source: ROUTES,
      filter: isLine,
      layout: round,
      paint: { "line-color": ["get", "colour"], "line-width": 7, "line-offset": ["get", "offset"] },
    });
    this.#map.addLayer({
      id: "routes:dash",
      type: "line",
      source: ROUTES,
      filter: isLine,
      paint: {
        "line-color": "#ffffff",
        "line-width": 2.5,
        "line-opacity": 0.85,
        "line-dasharray": [0, 4, 3],
        "line-offset": ["get", "offset"],
      },
    });
    this.#map.addLayer({
      id: "routes:point",
      type: "circle",
      source: ROUTES,
      filter: isPoint,
      paint: {
        "circle-radius": ["case", ["==", ["get", "role"], "incident"], 11, 13],
        "circle-color": ["get", "colour"],
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 3,
      },
    });
    this.#map.addLayer({
      id: "routes:number",
      type: "symbol",
      source: ROUTES,
      filter: isPoint,
      layout: {
        "text-field": ["get", "number"],
        "text-font": ["citytwin bold"],
        "text-size": 14,
        "text-allow-overlap": true,
      },
      paint: { "text-color": "#ffffff" },
    });
    const ground = GROUND[theme.value];
    this.#map.addLayer({
      id: "routes:text",
      type: "symbol",
      source: ROUTES,
      filter: ["all", isPoint, ["==", ["get", "role"], "start"]],
      layout: {
        "text-field": ["get", "label"],
        "text-font": ["citytwin bold"],
        "text-size": 13.5,
        "text-max-width": 22,
        "text-variable-anchor": ["bottom", "top", "left", "right"],
        "text-radial-offset": 1.5,
        "text-allow-overlap": true,
      },
      paint: { "text-color": ground.text, "text-halo-color": ground.halo, "text-halo-width": 2 },
    });
  }

  #draw(): void {
    const assigned = this.#answer?.assigned ?? [];
    const routes = assigned.map(({ route }, index) => {
      // Engines of one station take one road: side by side both stay to be seen.
      const offset = (index - (assigned.length - 1) / 2) * 3.5;
      return feature(route, { role: "route", colour: routeColour(index), offset });
    });
    setFeatures(this.#map, ROUTES, [...routes, ...starts(assigned), ...this.#incident]);
  }

  #incident: Feature[] = [];

  setIncident(place: [number, number] | null): void {
    const look = { role: "incident", colour: "#e11d2e", number: "!" };
    this.#incident = place ? [feature({ type: "Point", coordinates: place }, look)] : [];
    this.#draw();
  }

  setZones(zones: Polygon[]): void {
    setFeatures(
      this.#map,
      ZONES,
      zones.map((zone) => feature(zone)),
    );
  }

  async show(answer: DispatchAnswer): Promise<void> {
    this.#answer = answer;
    this.#draw();
    this.#move();
    flyTo(
      this.#map,
      [...answer.assigned.map((one) => one.route), ...this.#incident.map((f) => f.geometry)],
      16,
    );
    const path = `${answer.features_url}&role=closed_edge&limit=1000`;
    const closed = await allItems(path);
    if (this.#answer === answer) setFeatures(this.#map, CLOSED, closed);
  }

  /** Move the dashes, unless the user asked for less motion. */
  #move(): void {
    window.clearInterval(this.#timer);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let step = 0;
    this.#timer = window.setInterval(() => {
      step = (step + 1) % DASHES.length;
      this.#map.setPaintProperty("routes:dash", "line-dasharray", DASHES[step]);
    }, 90);
  }

  clear(): void {
    window.clearInterval(this.#timer);
    this.#answer = null;
    this.#incident = [];
    setFeatures(this.#map, ROUTES, []);
    setFeatures(this.#map, CLOSED, []);
  }
}
