/** Draws anew what changed, the moment the service tells of it. */

import type { Map as MapLibre } from "maplibre-gl";
import { type CityLayers, LIVE_LAYERS } from "./citylayers";
import type { LiveWater } from "./live";

type Box = [west: number, south: number, east: number, north: number];
interface Change {
  layers: { id: string; ids: number[] | null; boxes: Box[] }[];
}
interface TileId {
  z: number;
  x: number;
  y: number;
}

/** More tiles than this are not worth naming: the layer is asked for again as a whole. */
const MOST_TILES = 400;
const TOGETHER_MS = 100;
/** A tile draws what lies this far beyond its rim, as a share of its side. */
const RIM = 65 / 4096;

function row(lat: number, side: number): number {
  const angle = (lat * Math.PI) / 180;
  return ((1 - Math.asinh(Math.tan(angle)) / Math.PI) / 2) * side;
}

/** Return the tiles of some levels that show something in a box; null if they are very many. */
export function tilesOf(boxes: Box[], minzoom: number, maxzoom: number): TileId[] | null {
  const found: TileId[] = [];
  for (const [west, south, east, north] of boxes) {
    for (let z = minzoom; z <= maxzoom; z++) {
      const side = 2 ** z;
      const [left, right] = [west, east].map((lon) => ((lon + 180) / 360) * side) as [number, number];
      const [top, bottom] = [row(north, side), row(south, side)];
      for (let x = Math.floor(left - RIM); x <= Math.floor(right + RIM); x++)
        for (let y = Math.floor(top - RIM); y <= Math.floor(bottom + RIM); y++) {
          found.push({ z, x, y });
          if (found.length > MOST_TILES) return null;
        }
    }
  }
  return found;
}

/** Listen for as long as the page lives.  The browser itself takes up a broken line again, and says
 * what it had last; what lies between is told then. */
export function followNews(map: MapLibre, layers: CityLayers, live: LiveWater): EventSource {
  const source = new EventSource("/events");
  // Many edits at once are drawn together.  Null stands for the whole layer.
  const waiting = new Map<string, Box[] | null>();
  const draw = (): void => {
    for (const [id, boxes] of waiting) {
      const info = layers.info(id);
      if (!info) continue;
      const tiles = boxes && tilesOf(boxes, info.minzoom, info.maxzoom);
      if (LIVE_LAYERS.has(id)) live.refresh().catch(() => undefined);
      else if (map.getSource(id)) map.refreshTiles(id, tiles ?? undefined);
    }
    waiting.clear();
  };
  const add = (id: string, boxes: Box[] | null): void => {
    if (waiting.size === 0) window.setTimeout(draw, TOGETHER_MS);
    const before = waiting.get(id);
    waiting.set(id, boxes === null || before === null ? null : [...(before ?? []), ...boxes]);
  };
  source.addEventListener("change", (event: MessageEvent<string>) => {
    for (const { id, boxes } of (JSON.parse(event.data) as Change).layers) add(id, boxes);
  });
  source.addEventListener("everything", () => {
    for (const { id } of layers.infos) add(id, null);
  });
  return source;
}
