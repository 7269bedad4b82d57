/** CGCS2000 in degrees (EPSG:4490), and the grid of tiles on it that the service calls CGCS2000Quad. */

import { Projection, addEquivalentProjections, addProjection, get } from "ol/proj";
import TileGrid from "ol/tilegrid/TileGrid";

export const GRID = "CGCS2000Quad";
const WORLD = [-180, -90, 180, 90];
/** The width of a tile of level 0, degrees; there are two side by side. */
const SIDE = 180;
/** A tile is drawn as large as MapLibre draws one, so that both maps show the same at a scale. */
const PIXELS = 512;

/** EPSG puts latitude first; coordinates in this page are longitude, latitude, as in all tiles. */
export const CGCS2000 = new Projection({
  code: "EPSG:4490",
  units: "degrees",
  axisOrientation: "neu",
  extent: WORLD,
  worldExtent: WORLD,
  global: true,
  metersPerUnit: (Math.PI * 6_378_137) / 180,
});
addProjection(CGCS2000);
const wgs84 = get("EPSG:4326");
// They differ by centimetres; lengths on the ground are reckoned on either.
if (wgs84) addEquivalentProjections([CGCS2000, wgs84]);

/** Return the grid down to a level; beyond it, its last tiles are drawn larger. */
export function tileGrid(minzoom: number, maxzoom: number): TileGrid {
  const resolutions = Array.from({ length: maxzoom + 1 }, (_, z) => SIDE / PIXELS / 2 ** z);
  return new TileGrid({
    extent: WORLD,
    origin: [-180, 90],
    tileSize: PIXELS,
    minZoom: minzoom,
    resolutions,
  });
}

/** Return the zoom at which MapLibre shows a degree of longitude as wide, and back. */
export function zoomOf(resolution: number): number {
  return Math.log2(360 / PIXELS / resolution);
}

export function resolutionOf(zoom: number): number {
  return 360 / PIXELS / 2 ** zoom;
}
