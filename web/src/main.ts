/** The page: ask the service what there is, then put map, panels and address together. */

import "./styles/maplibre.css";
import "./styles/page.css";
import "./styles/panel.css";
import "./styles/answer.css";

import type { Map as MapLibre } from "maplibre-gl";

import { api } from "./api";
import { learnCodes } from "./codes";
import type { City, LayerInfo } from "./contract";
import { readHash, writeHash, type Shared } from "./hash";
import { firstLang, lang, setLang, t } from "./lang";
import { CityLayers } from "./map/citylayers";
import { createMap, showCursor } from "./map/create";
import { addIcons } from "./map/icons";
import { addLabels } from "./map/labels";
import { LiveWater } from "./map/live";
import { followNews } from "./map/news";
import { flyTo, freeRoom } from "./map/overlay";
import { Selection } from "./map/selection";
import { DispatchPanel } from "./panels/dispatch";
import { FilePanel } from "./panels/file";
import { ImpactPanel } from "./panels/impact";
import { LayersPanel } from "./panels/layers";
import { pastBanner } from "./panels/asof";
import { note, noteError, startFailed, starting, watchService } from "./panels/notice";
import { Shell } from "./panels/shell";
import { WaterPanel } from "./panels/water";
import { Signal } from "./signal";
import { firstTheme, setTheme, theme } from "./theme";

declare global {
  interface Window {
    /** For people who look under the bonnet, and for tests. */
    citytwin?: { map: MapLibre; layers: CityLayers };
  }
}

const PITCH = 55;

const root = document.getElementById("app") as HTMLElement;
const shared = readHash();
setLang(firstLang(shared.lang));
setTheme(firstTheme(shared.theme));

async function start(): Promise<void> {
  starting(root);
  try {
    const [city, layers] = await Promise.all([api.city(), api.layers()]);
    learnCodes(layers);
    open(city, layers, shared);
  } catch (error) {
    startFailed(root, error, () => void start());
  }
}

function open(city: City, infos: LayerInfo[], from: Shared): void {
  const solid = new Signal((from.view?.pitch ?? 0) > 20);
  let layers: CityLayers | null = null;
  let live: LiveWater | null = null;
  const shell = new Shell(root, city.name, {
    home: () => whole(),
    refresh: () => {
      layers?.refresh();
      live
        ?.refresh()
        .then(() => note(t("refreshed")))
        .catch(noteError);
    },
    solid,
  });
  const map = createMap(shell.mapBox, city, from.view);
  const whole = (): void => {
    const [west, south, east, north] = city.extent;
    map.fitBounds([west, south, east, north], { padding: freeRoom(map), bearing: 0 });
  };
  showCursor(map, shell.cursor);
  if (!from.view) whole();
  map.once("load", () => {
    addIcons(map);
    layers = new CityLayers(map, infos, from.layers);
    live = new LiveWater(layers);
    window.citytwin = { map, layers };
    furnish(shell, map, layers, live, city, solid);
    void live.refresh().catch(noteError);
    followNews(map, layers, live);
  });
}

function furnish(
  shell: Shell,
  map: MapLibre,
  layers: CityLayers,
  live: LiveWater,
  city: City,
  solid: Signal<boolean>,
): void {
  // Results lie under the names: the impact's layers are made first, the labels after them.
  const selection = new Selection(map, layers);
  const openFile = (layer: string, id: number, fly: boolean): void => {
    void file.open({ layer, id, name: null });
    if (fly)
      api
        .item(layer, id)
        .then((item) => flyTo(map, [item.geometry]))
        .catch(noteError);
  };
  const dispatchAt = (at: [number, number], name: string | null): void => {
    dispatch.aim(at, name);
    shell.show("dispatch");
  };
  const impact = new ImpactPanel(shell.pane("impact"), map, layers, selection, {
    dispatch: dispatchAt,
    openFile,
  });
  addLabels(map, layers);
  const dispatch = new DispatchPanel(shell.pane("dispatch"), map, layers, selection, openFile);
  const file = new FilePanel(shell.pane("file"), layers, selection, {
    impact: (layer, item, at) => {
      impact.aim(layer, item, at);
      shell.show("impact");
    },
    dispatch: dispatchAt,
    closeRoad: (item) => {
      dispatch.closeRoad(item);
      note(t("roadClosed", { name: String(item.properties["name"] ?? item.id) }));
    },
  });
  new LayersPanel(shell.pane("layers"), map, layers, city);
  new WaterPanel(
    shell.pane("water"),
    shell.chips,
    map,
    live,
    (item) => {
      void file.open({ layer: "waterlogging_point", id: item.id, name: null });
      shell.show("file");
    },
    () => shell.show("water"),
  );
  selection.onPick = (picked) => {
    void file.pick(picked);
    shell.show("file");
  };
  selection.mode.watch((mode) => {
    shell.hint.hidden = mode === null;
    shell.hint.textContent = mode?.text ?? "";
    // On a narrow screen the sheet would cover what is to be clicked.
    if (mode && innerWidth < 900) shell.open.set(false);
    else if (!mode) shell.open.set(true);
  });
  solid.onChange((on) => {
    layers.solid.set(on);
    map.easeTo({ pitch: on ? PITCH : 0, bearing: on ? -20 : 0, duration: 600 });
  });
  layers.solid.set(solid.value);
  pastBanner(shell.mapBox);
  watchService(shell.mapBox, () => {
    layers.restart();
    live.refresh().catch(noteError);
    file.retry();
  });
  // A tile that fails tells that the service is away; its health tells whether it still is.
  map.on("error", () => void api.health().catch(() => undefined));
  rememberView(map, layers);
}

/** Keep the address in step with what is shown. */
function rememberView(map: MapLibre, layers: CityLayers): void {
  const write = (): void => {
    const { lng: lon, lat } = map.getCenter();
    writeHash({
      view: { zoom: map.getZoom(), lat, lon, bearing: map.getBearing(), pitch: map.getPitch() },
      layers: [...layers.visible.value],
      lang: lang.value,
      theme: theme.value,
    });
  };
  map.on("moveend", write);
  layers.visible.onChange(write);
  lang.onChange(write);
  theme.onChange(write);
  write();
}

void start();
