/** The layers of the catalogue on the map: sources, order, visibility, 2D and 3D, night. */

import type {
  ExpressionSpecification,
  GeoJSONSource,
  LayerSpecification,
  Map as MapLibre,
  VectorTileSource,
} from "maplibre-gl";

import type { BareStyleLayer, Item, LayerInfo } from "../contract";
import { Signal } from "../signal";
import { asOf, then } from "./asof";
import { kindsOf, notOf } from "./kinds";
import { haloAtNight, theme, valueAtNight } from "../theme";

/** Below these the eye reads the ground; results, teams and water keep their colours at night. */
const GROUND_LAYERS = new Set(["region", "grid_cell", "building", "road_edge", "road_node"]);
/** Thin and bright: at night only their white rims go dark. */
const RIMMED_LAYERS = new Set(["pipe_segment", "pipe_node"]);
/** Layers that are read as GeoJSON again and again, because their values are live. */
export const LIVE_LAYERS = new Set(["waterlogging_point"]);
/** Their circles carry a pictogram, and must be large enough for it where it is drawn. */
export const PICTURE_LAYERS = new Set(["facility", "resource"]);
const PICTURE_RADIUS: ExpressionSpecification = [
  "interpolate",
  ["linear"],
  ["zoom"],
  10,
  2.5,
  13.9,
  5,
  14,
  10,
  18,
  14,
];
/** Never drawn from the catalogue: results are drawn by the run they belong to. */
const RESULT_LAYER = "analysis_feature";

/** Pipes are drawn over buildings, though they lie under them: they are what is looked for. */
const LIFTED = new Set(["pipe_segment", "pipe_node"]);

/** Return the layers from the ground up: the catalogue's order, but for the lifted ones. */
function fromGround(infos: LayerInfo[]): LayerInfo[] {
  const ground = infos.filter((info) => !LIFTED.has(info.id));
  const place = ground.findIndex((info) => info.id === "building") + 1;
  const lifted = infos.filter((info) => LIFTED.has(info.id));
  return place > 0 ? ground.toSpliced(place, 0, ...lifted) : infos;
}

/** How high a building stands: as known, else by its storeys. */
export const HEIGHT: ExpressionSpecification = [
  "coalesce",
  ["get", "height_m"],
  ["*", 3.2, ["coalesce", ["get", "storeys"], 1]],
];

const PLAIN: Record<string, BareStyleLayer> = {
  polygon: {
    id: "plain",
    type: "fill",
    paint: { "fill-color": "#8aa1b5", "fill-opacity": 0.35, "fill-outline-color": "#5d7488" },
  },
  line: { id: "plain", type: "line", paint: { "line-color": "#5d7488", "line-width": 1.5 } },
  point: {
    id: "plain",
    type: "circle",
    paint: { "circle-color": "#5d7488", "circle-radius": 5 },
  },
} as Record<string, BareStyleLayer>;

/** Return the catalogue's style, with walls for what has a height. */
function styleOf(layer: LayerInfo): BareStyleLayer[] {
  const plain = PLAIN[layer.geometry];
  const style = layer.style.length > 0 ? [...layer.style] : plain ? [plain] : [];
  const rises = layer.fields.some((field) => field.name === "height_m");
  const hasWalls = style.some((part) => part.type === "fill-extrusion");
  if (layer.geometry === "polygon" && rises && !hasWalls) {
    const fill = style.find((part) => part.type === "fill")?.paint as Record<string, unknown>;
    style.push({
      id: "walls",
      type: "fill-extrusion",
      paint: {
        "fill-extrusion-color": fill?.["fill-color"] ?? "#cfd6dc",
        "fill-extrusion-height": HEIGHT,
        "fill-extrusion-opacity": 0.92,
      },
    } as BareStyleLayer);
  }
  return style;
}

function paintAtNight(layer: string, style: BareStyleLayer): Record<string, unknown> {
  const paint = (style.paint ?? {}) as Record<string, unknown>;
  const isLine = style.type === "line" || style.type === "circle";
  const turn = GROUND_LAYERS.has(layer)
    ? (value: unknown) => valueAtNight(value, isLine)
    : RIMMED_LAYERS.has(layer)
      ? haloAtNight
      : null;
  const colours = Object.entries(paint).filter(([name]) => turn && name.endsWith("-color"));
  return Object.fromEntries(colours.map(([name, value]) => [name, turn?.(value)]));
}

/** Tiles leave nulls out, and the catalogue's filters say `has`: make GeoJSON do the same. */
function withoutNulls(item: Item): Item {
  const known = Object.entries(item.properties).filter(([, value]) => value !== null);
  return { ...item, properties: Object.fromEntries(known) };
}

export class CityLayers {
  readonly visible: Signal<ReadonlySet<string>>;
  readonly solid = new Signal(false);
  readonly infos: LayerInfo[];
  readonly #map: MapLibre;
  readonly #styles = new Map<string, { id: string; style: BareStyleLayer }[]>();

  constructor(map: MapLibre, infos: LayerInfo[], shown: string[] | null) {
    this.#map = map;
    this.infos = infos.filter((info) => info.id !== RESULT_LAYER);
    const known = new Set(this.infos.map((info) => info.id));
    const start = shown?.filter((id) => known.has(id));
    const usual = this.infos.filter((info) => info.visible).map((info) => info.id);
    this.visible = new Signal<ReadonlySet<string>>(new Set(start ?? usual));
    for (const info of fromGround(this.infos)) this.#add(info);
    this.visible.watch(() => this.#apply());
    this.solid.onChange(() => this.#apply());
    asOf.onChange(() => this.restart());
    theme.onChange(() => this.#paint());
    if (theme.value === "dark") this.#paint();
  }

  #add(info: LayerInfo): void {
    const live = LIVE_LAYERS.has(info.id);
    this.#map.addSource(
      info.id,
      live
        ? { type: "geojson", data: { type: "FeatureCollection", features: [] } }
        : { type: "vector", url: then(`/tiles/${info.id}.json`) },
    );
    const styles = styleOf(info).map((style, index) => ({ id: `${info.id}:${index}`, style }));
    const hasWalls = styles.some(({ style }) => style.type === "fill-extrusion");
    this.#styles.set(info.id, styles);
    for (const { id, style } of styles) {
      const layer: Record<string, unknown> = { ...style, id, source: info.id };
      // The catalogue ends the footprint where the walls begin; on the flat map it goes on.
      if (hasWalls && style.type === "fill") delete layer["maxzoom"];
      if (PICTURE_LAYERS.has(info.id) && style.type === "circle")
        layer["paint"] = { ...(style.paint ?? {}), "circle-radius": PICTURE_RADIUS };
      if (!live) layer["source-layer"] = info.id;
      layer["layout"] = { ...(style.layout ?? {}), visibility: "none" };
      this.#map.addLayer(layer as unknown as LayerSpecification);
    }
  }

  #apply(): void {
    for (const info of this.infos) {
      const styles = this.#styles.get(info.id) ?? [];
      const shown = this.visible.value.has(info.id);
      for (const { id, style } of styles) {
        const walls = style.type === "fill-extrusion";
        const wanted = shown && (!walls || this.solid.value);
        this.#map.setLayoutProperty(id, "visibility", wanted ? "visible" : "none");
      }
    }
  }

  #paint(): void {
    const night = theme.value === "dark";
    for (const [layer, styles] of this.#styles) {
      for (const { id, style } of styles) {
        const day = (style.paint ?? {}) as Record<string, unknown>;
        for (const [name, value] of Object.entries(paintAtNight(layer, style)))
          this.#map.setPaintProperty(id, name, night ? value : day[name]);
      }
    }
  }

  /** Colours of the legend that are hidden, by layer. */
  readonly hidden = new Signal<ReadonlyMap<string, ReadonlySet<string>>>(new Map());

  /** Draw or hide the kinds of a layer that have one colour. */
  showKind(id: string, colour: string, on: boolean): void {
    const colours = new Set(this.hidden.value.get(id));
    if (on) colours.delete(colour);
    else colours.add(colour);
    this.hidden.set(new Map(this.hidden.value).set(id, colours));
    this.#filter(id);
  }

  /** Take single features out of the walls, where another layer draws them in their place. */
  replaceWalls(id: string, features: readonly number[]): void {
    this.#replaced.set(id, features);
    this.#filter(id);
  }

  readonly #replaced = new Map<string, readonly number[]>();

  #filter(id: string): void {
    const info = this.info(id);
    const kinds = info && kindsOf(info);
    const colours = [...(this.hidden.value.get(id) ?? [])];
    const codes = colours.flatMap((each) => kinds?.byColour.get(each) ?? []);
    const replaced = this.#replaced.get(id) ?? [];
    for (const part of this.#styles.get(id) ?? []) {
      const all: ExpressionSpecification[] = [];
      const own = (part.style as { filter?: ExpressionSpecification }).filter;
      if (own) all.push(own);
      if (kinds && codes.length > 0) all.push(notOf(kinds.field, codes));
      if (part.style.type === "fill-extrusion" && replaced.length > 0)
        all.push(["!", ["in", ["id"], ["literal", [...replaced]]]]);
      this.#map.setFilter(part.id, all.length > 0 ? ["all", ...all] : null);
    }
  }

  info(id: string): LayerInfo | undefined {
    return this.infos.find((info) => info.id === id);
  }

  show(id: string, on: boolean): void {
    const next = new Set(this.visible.value);
    if (on) next.add(id);
    else next.delete(id);
    this.visible.set(next);
  }

  /** The lowest map layer of a catalogue layer: what is put before it lies under it. */
  lowest(id: string): string | undefined {
    return this.#styles.get(id)?.[0]?.id;
  }

  /** Ids of the drawn map layers of these catalogue layers. */
  drawn(only?: ReadonlySet<string>): string[] {
    const layers = this.infos.filter((info) => this.visible.value.has(info.id));
    return layers
      .filter((info) => !only || only.has(info.id))
      .flatMap((info) => (this.#styles.get(info.id) ?? []).map(({ id }) => id))
      .filter((id) => this.#map.getLayoutProperty(id, "visibility") !== "none");
  }

  /** Put fresh features into a live layer. */
  setLive(id: string, features: Item[]): void {
    const source = this.#map.getSource(id) as GeoJSONSource | undefined;
    source?.setData({ type: "FeatureCollection", features: features.map(withoutNulls) });
  }

  /** Ask for all tiles again, keeping the old picture until the new one is there. */
  refresh(): void {
    for (const info of this.infos) if (!LIVE_LAYERS.has(info.id)) this.#map.refreshTiles(info.id);
  }

  /** Start the sources anew, after the service was away or for another moment. */
  restart(): void {
    for (const info of this.infos) {
      if (LIVE_LAYERS.has(info.id)) continue;
      const source = this.#map.getSource(info.id) as VectorTileSource | undefined;
      source?.setUrl(then(`/tiles/${info.id}.json`));
    }
  }
}
