/** GeoJSON that the page itself draws over the city: small, and replaced as a whole. */

import type { Feature, Geometry } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import maplibregl from "maplibre-gl";

/** Put features into a source of the page, which is made when it is first needed. */
export function setFeatures(map: MapLibre, source: string, features: Feature[]): void {
  const data = { type: "FeatureCollection" as const, features };
  const found = map.getSource(source) as GeoJSONSource | undefined;
  if (found) found.setData(data);
  else map.addSource(source, { type: "geojson", data });
}

export function feature(geometry: Geometry, properties: Record<string, unknown> = {}): Feature {
  return { type: "Feature", geometry, properties };
}

function* positions(coordinates: unknown): Generator<[number, number]> {
  if (!Array.isArray(coordinates)) return;
  if (typeof coordinates[0] === "number") yield [coordinates[0], coordinates[1] as number];
  else for (const part of coordinates) yield* positions(part);
}

/** Return the box around geometries, or null when they hold no position. */
export function boundsOf(geometries: Geometry[]): maplibregl.LngLatBounds | null {
  const bounds = new maplibregl.LngLatBounds();
  for (const geometry of geometries) {
    if (geometry.type === "GeometryCollection") {
      const inner = boundsOf(geometry.geometries);
      if (inner) bounds.extend(inner);
    } else for (const position of positions(geometry.coordinates)) bounds.extend(position);
  }
  return bounds.isEmpty() ? null : bounds;
}

/** Room that the panel covers, so that what is shown lies in the free part of the map. */
export function freeRoom(map: MapLibre): maplibregl.PaddingOptions {
  const panel = document.querySelector(".panel")?.getBoundingClientRect();
  const box = map.getContainer().getBoundingClientRect();
  const room = { top: 80, bottom: 60, left: 100, right: 100 };
  if (!panel || panel.height < 80) return room;
  if (panel.width < box.width * 0.7) room.left += Math.min(panel.right - box.left, box.width / 2);
  else room.bottom += Math.min(box.bottom - panel.top, box.height / 2);
  return room;
}

/** Fly to geometries; a point is shown from near, not from nowhere. */
export function flyTo(map: MapLibre, geometries: Geometry[], maxZoom = 17): void {
  const bounds = boundsOf(geometries);
  if (bounds) map.fitBounds(bounds, { padding: freeRoom(map), maxZoom, duration: 700 });
}

/** Return one position inside or on a geometry: where a marker for it may stand. */
export function anchorOf(geometry: Geometry): [number, number] | null {
  if (geometry.type === "Point")
    return [geometry.coordinates[0] ?? 0, geometry.coordinates[1] ?? 0];
  if (geometry.type === "LineString") {
    const middle = geometry.coordinates[Math.floor(geometry.coordinates.length / 2)];
    return middle ? [middle[0] ?? 0, middle[1] ?? 0] : null;
  }
  const centre = boundsOf([geometry])?.getCenter();
  return centre ? [centre.lng, centre.lat] : null;
}
