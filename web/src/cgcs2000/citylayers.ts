/** The layers of the catalogue on the map in CGCS2000: sources, order, visibility, news. */

import type Map from "ol/Map";
import MVT from "ol/format/MVT";
import VectorTileLayer from "ol/layer/VectorTile";
import VectorTile from "ol/source/VectorTile";
import type { TileCoord } from "ol/tilecoord";

import { api } from "../api";
import type { LayerInfo } from "../contract";
import { noteError } from "../panels/notice";
import { drawer } from "./draw";
import { CGCS2000, GRID, tileGrid } from "./frame";

const RESULT_LAYER = "analysis_feature";
const TOGETHER_MS = 100;

export class GridLayers {
  readonly infos: LayerInfo[];
  readonly shown = new Set<string>();
  readonly #map: Map;
  readonly #layers: Record<string, VectorTileLayer> = {};
  readonly #sources: Record<string, { source: VectorTile; template: string; turn: number }> = {};

  constructor(map: Map, infos: LayerInfo[], shown: string[] | null) {
    this.#map = map;
    this.infos = infos.filter((info) => info.id !== RESULT_LAYER && info.style.length > 0);
    const wanted = shown ?? this.infos.filter((info) => info.visible).map((info) => info.id);
    for (const [index, info] of this.infos.entries()) {
      const layer = new VectorTileLayer({
        style: drawer(info.style),
        visible: false,
        zIndex: index,
        renderBuffer: 64,
        properties: { id: info.id },
      });
      this.#layers[info.id] = layer;
      map.addLayer(layer);
    }
    for (const id of wanted) this.show(id, true).catch(noteError);
  }

  info(id: string): LayerInfo | undefined {
    return this.infos.find((info) => info.id === id);
  }

  /** Draw or hide a layer; where its tiles are is asked when it is drawn first. */
  async show(id: string, on: boolean): Promise<void> {
    const layer = this.#layers[id];
    if (!layer) return;
    if (on) this.shown.add(id);
    else this.shown.delete(id);
    layer.setVisible(on);
    if (on && !layer.getSource()) await this.#open(id, layer);
  }

  async #open(id: string, layer: VectorTileLayer): Promise<void> {
    const told = await api.tileJson(`${id}/${GRID}`);
    const url = new URL(told.tiles[0] ?? "", location.href);
    const template = (url.pathname + url.search).replaceAll("%7B", "{").replaceAll("%7D", "}");
    const source = new VectorTile({
      format: new MVT({ layers: [id] }),
      projection: CGCS2000,
      tileGrid: tileGrid(told.minzoom ?? 0, told.maxzoom ?? 15),
      attributions: "citytwin · EPSG:4490 · OpenLayers",
    });
    this.#sources[id] = { source, template, turn: 0 };
    this.#ask(id);
    layer.setSource(source);
  }

  /** Ask for a layer's tiles; again if they were asked before, keeping the picture meanwhile. */
  #ask(id: string): void {
    const entry = this.#sources[id];
    if (!entry) return;
    const turn = entry.turn++;
    const address = ([z, x, y]: TileCoord): string =>
      entry.template
        .replace("{z}", String(z))
        .replace("{x}", String(x))
        .replace("{y}", String(y))
        // OpenLayers keeps tiles by their address; what follows the hash is never sent.
        .concat(turn > 0 ? `#${turn}` : "");
    entry.source.setTileUrlFunction(address, `${id}#${turn}`);
  }

  /** Draw anew what the service tells of, for as long as the page lives. */
  follow(): EventSource {
    const events = new EventSource("/events");
    const waiting = new Set<string>();
    const add = (ids: string[]): void => {
      if (waiting.size === 0)
        window.setTimeout(() => {
          for (const id of waiting) this.#ask(id);
          waiting.clear();
        }, TOGETHER_MS);
      for (const id of ids) waiting.add(id);
    };
    events.addEventListener("change", (event: MessageEvent<string>) => {
      const told = JSON.parse(event.data) as { layers: { id: string }[] };
      add(told.layers.map(({ id }) => id));
    });
    events.addEventListener("everything", () => add(this.infos.map(({ id }) => id)));
    return events;
  }

  /** Return what is drawn at a pixel, the uppermost first. */
  at(pixel: number[]): { layer: LayerInfo; id: number }[] {
    const found: { layer: LayerInfo; id: number }[] = [];
    this.#map.forEachFeatureAtPixel(
      pixel,
      (feature, layer) => {
        const info = this.info(String(layer?.get("id")));
        const id = Number(feature.getId());
        if (info && !found.some((each) => each.layer === info && each.id === id))
          found.push({ layer: info, id });
      },
      { hitTolerance: 4 },
    );
    return found;
  }
}
