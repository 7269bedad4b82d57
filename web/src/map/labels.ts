/** Names on the map.  MapLibre draws every glyph itself: the page asks no glyph server. */

import type {
  ExpressionSpecification,
  Map as MapLibre,
  SymbolLayerSpecification,
} from "maplibre-gl";

import { allItems } from "../api";
import type { Item } from "../contract";
import { GROUND, theme } from "../theme";
import { asOf, then } from "./asof";
import type { CityLayers } from "./citylayers";
import { LIVE_LAYERS, PICTURE_LAYERS } from "./citylayers";
import { PICTURED } from "./icons";
import { feature, setFeatures } from "./overlay";

/** No family of this name exists: the weight is read from it, and the browser's own face drawn. */
const MEDIUM = ["citytwin medium"];
const BOLD = ["citytwin bold"];

type Label = Pick<SymbolLayerSpecification, "layout" | "minzoom" | "maxzoom" | "filter" | "paint">;

const NAME: ExpressionSpecification = ["coalesce", ["get", "name"], ""];

const DEPTH: ExpressionSpecification = [
  "case",
  ["==", ["typeof", ["get", "depth_m"]], "number"],
  [
    "concat",
    ["number-format", ["get", "depth_m"], { "min-fraction-digits": 2, "max-fraction-digits": 2 }],
    " m",
  ],
  "",
];

const pictured: ExpressionSpecification = [
  "case",
  ["in", ["get", "kind"], ["literal", PICTURED]],
  ["concat", "kind-", ["get", "kind"]],
  "",
];

function named(size: number, font = MEDIUM): SymbolLayerSpecification["layout"] {
  return { "text-field": NAME, "text-font": font, "text-size": size, "text-max-width": 8 };
}

const beside: SymbolLayerSpecification["layout"] = {
  "text-variable-anchor": ["top", "bottom", "left", "right"],
  "text-radial-offset": 1.1,
  "text-optional": true,
};

/** Labels by layer, the most important last: MapLibre places the last drawn first. */
const LABELS: [layer: string, label: Label][] = [
  ["building", { minzoom: 16.5, layout: { ...named(11), "text-padding": 8 } }],
  [
    "road_edge",
    {
      minzoom: 14,
      layout: {
        ...named(11.5),
        "symbol-placement": "line",
        "symbol-spacing": 320,
        "text-max-angle": 30,
        "text-padding": 12,
      },
    },
  ],
  ["facility", { minzoom: 14.5, layout: { ...named(11.5), ...beside } }],
  ["resource", { minzoom: 16.5, layout: { ...named(11.5), ...beside } }],
  [
    "waterlogging_point",
    {
      minzoom: 11.5,
      layout: {
        "text-field": DEPTH,
        "text-font": BOLD,
        "text-size": 13,
        ...beside,
        "text-optional": false,
        // The deepest water keeps its figure when there is no room for all.
        "symbol-sort-key": ["-", 0, ["coalesce", ["get", "depth_m"], 0]],
      },
    },
  ],
];

const REGION_NAMES = "region-names";

/** From which zoom regions of a level carry their name, and until when. */
const LEVELS: [level: string, minzoom: number, maxzoom: number, size: number][] = [
  ["province", 0, 8, 15],
  ["city", 0, 11, 15],
  ["county", 8, 13.5, 14],
  ["street", 11, 16, 13],
  ["community", 13.5, 24, 11.5],
];

function ringCentre(ring: number[][]): [area: number, x: number, y: number] {
  let [area, x, y] = [0, 0, 0];
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  for (let i = 0; i + 1 < ring.length; i += 1) {
    // Measured from the first corner, or the digits of degrees drown the small areas.
    const [ax, ay] = [(ring[i]?.[0] ?? 0) - x0, (ring[i]?.[1] ?? 0) - y0];
    const [bx, by] = [(ring[i + 1]?.[0] ?? 0) - x0, (ring[i + 1]?.[1] ?? 0) - y0];
    const cross = ax * by - bx * ay;
    area += cross / 2;
    x += ((ax + bx) * cross) / 6;
    y += ((ay + by) * cross) / 6;
  }
  return area === 0 ? [0, x0, y0] : [Math.abs(area), x0 + x / area, y0 + y / area];
}

/** Return the centre of a region's largest part: tiles would repeat its name in each tile. */
function nameSpot(item: Item): [number, number] | null {
  const { geometry } = item;
  if (geometry?.type !== "Polygon" && geometry?.type !== "MultiPolygon") return null;
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const centres = parts.map((part) => ringCentre(part[0] ?? []));
  const [largest] = centres.sort((a, b) => b[0] - a[0]);
  return largest ? [largest[1], largest[2]] : null;
}

async function nameRegions(map: MapLibre): Promise<void> {
  const items = await allItems(then("/collections/region/items?limit=500"), 1000);
  const spots = items.flatMap((item) => {
    const spot = nameSpot(item);
    const { name, level } = item.properties;
    return spot ? [feature({ type: "Point", coordinates: spot }, { name, level })] : [];
  });
  setFeatures(map, REGION_NAMES, spots);
}

function ink(id: string): SymbolLayerSpecification["paint"] {
  const ground = GROUND[theme.value];
  // Names of areas stand back behind the names of things.
  const colour = id.startsWith("label:region") ? ground.faint : ground.text;
  return { "text-color": colour, "text-halo-color": ground.halo, "text-halo-width": 1.6 };
}

/** Draw names and pictograms over the city's layers, and keep them with those layers. */
export function addLabels(map: MapLibre, layers: CityLayers): void {
  const made: { id: string; layer: string }[] = [];
  const add = (id: string, layer: string, label: Label, source = layer, before?: string): void => {
    const spec = { id, type: "symbol", source, ...label } as SymbolLayerSpecification;
    if (source === layer && !LIVE_LAYERS.has(layer)) spec["source-layer"] = layer;
    map.addLayer(spec, before);
    made.push({ id, layer });
  };
  for (const layer of PICTURE_LAYERS) {
    if (!layers.info(layer)) continue;
    const layout = { "icon-image": pictured, "icon-allow-overlap": true, "icon-size": 0.9 };
    // Standing water is never covered by a team that waits beside it.
    const water = layers.lowest("waterlogging_point");
    add(`picture:${layer}`, layer, { minzoom: 14, layout } as Label, layer, water);
  }
  for (const [layer, label] of LABELS)
    if (layers.info(layer))
      add(`label:${layer}`, layer, { ...label, paint: ink(`label:${layer}`) });
  if (layers.info("region")) {
    setFeatures(map, REGION_NAMES, []);
    for (const [level, minzoom, maxzoom, size] of LEVELS) {
      const layout = { ...named(size, BOLD), "text-padding": 16, "text-letter-spacing": 0.08 };
      const filter: ExpressionSpecification = ["==", ["get", "level"], level];
      const label = { minzoom, maxzoom, filter, layout, paint: ink("label:region") } as Label;
      add(`label:region:${level}`, "region", label, REGION_NAMES);
    }
    // Names are an ornament: without them the map still serves, and the banner tells why.
    const name = (): void => void nameRegions(map).catch(() => undefined);
    name();
    asOf.onChange(name);
  }
  layers.visible.watch((visible) => {
    for (const { id, layer } of made)
      map.setLayoutProperty(id, "visibility", visible.has(layer) ? "visible" : "none");
  });
  theme.onChange(() => {
    for (const { id } of made)
      for (const [name, value] of Object.entries(ink(id) ?? {}))
        map.setPaintProperty(id, name, value);
  });
}
