/** The city in CGCS2000, degrees: tiles of CGCS2000Quad, drawn by OpenLayers. */

import "./openlayers.css";
import "../styles/page.css";
import "../styles/panel.css";
import "../styles/answer.css";
import "./cgcs2000.css";

import OlMap from "ol/Map";
import View from "ol/View";
import { defaults as controls } from "ol/control/defaults";
import ScaleLine from "ol/control/ScaleLine";

import { api } from "../api";
import { learnCodes, sayCode } from "../codes";
import type { City, Item, LayerInfo, LegendEntry } from "../contract";
import { fill, h, icon } from "../dom";
import { moment, quantity } from "../format";
import { readHash, writeHash } from "../hash";
import { firstLang, lang, say, setLang, t } from "../lang";
import { noteError, startFailed, starting } from "../panels/notice";
import { setTheme } from "../theme";
import { GridLayers } from "./citylayers";
import { CGCS2000, resolutionOf, zoomOf } from "./frame";

declare global {
  interface Window {
    /** For people who look under the bonnet, and for tests. */
    cgcs2000?: { map: OlMap; layers: GridLayers };
  }
}

const DATE = /^\d{4}-\d\d-\d\dT/;
const root = document.getElementById("app") as HTMLElement;
const shared = readHash();
setLang(firstLang(shared.lang));
setTheme("light");

async function start(): Promise<void> {
  starting(root);
  try {
    const [city, infos] = await Promise.all([api.city(), api.layers()]);
    learnCodes(infos);
    open(city, infos);
  } catch (error) {
    startFailed(root, error, () => void start());
  }
}

function open(city: City, infos: LayerInfo[]): void {
  const box = h("div", { class: "map", id: "map" });
  const bar = h("header", { class: "bar" });
  const cursor = h("div", { class: "cursor", "aria-hidden": "true" });
  const list = h("section", { class: "pane", id: "pane-layers" });
  const file = h("section", { class: "pane", id: "pane-file" });
  const panel = h("aside", { class: "panel" }, h("div", { class: "panes" }, file, list));
  fill(root, box, bar, panel, cursor);

  const map = new OlMap({
    target: box,
    controls: controls({ attributionOptions: { collapsible: false } }).extend([
      new ScaleLine({ units: "metric" }),
    ]),
    view: new View({
      projection: CGCS2000,
      center: [(city.extent[0] + city.extent[2]) / 2, (city.extent[1] + city.extent[3]) / 2],
      resolution: resolutionOf(12),
      maxResolution: resolutionOf(3),
      minResolution: resolutionOf(21),
    }),
  });
  const whole = (): void => map.getView().fit([...city.extent], { padding: [24, 24, 24, 24] });
  if (shared.view) {
    map.getView().setCenter([shared.view.lon, shared.view.lat]);
    map.getView().setResolution(resolutionOf(shared.view.zoom));
  } else whole();
  const layers = new GridLayers(map, infos, shared.layers);
  window.cgcs2000 = { map, layers };
  layers.follow();

  const remember = (): void =>
    writeHash({ view: viewOf(map), layers: [...layers.shown], lang: lang.value, theme: null });
  map.on("moveend", remember);
  map.on("pointermove", ({ coordinate: [lon = 0, lat = 0] }) => {
    cursor.textContent = `${lon.toFixed(6)}, ${lat.toFixed(6)} · CGCS2000`;
  });
  map.on("click", ({ pixel }) => void showFile(file, layers.at(pixel)));
  lang.watch(() => {
    document.title = `${city.name} · CGCS2000`;
    drawBar(bar, city, whole);
    drawList(list, layers, remember);
    fill(file, h("p", { class: "quiet" }, t("clickSomething")));
    remember();
  });
}

function viewOf(map: OlMap) {
  const [lon = 0, lat = 0] = map.getView().getCenter() ?? [];
  const zoom = zoomOf(map.getView().getResolution() ?? resolutionOf(12));
  return { zoom, lat, lon, bearing: 0, pitch: 0 };
}

function drawBar(bar: HTMLElement, city: City, whole: () => void): void {
  const other = lang.value === "zh" ? "en" : "zh";
  fill(
    bar,
    h("span", { class: "mark" }, icon("city")),
    h("h1", {}, `${city.name} · ${t("cgcs2000")}`),
    h(
      "div",
      { class: "tools" },
      h(
        "a",
        {
          class: "tool",
          id: "tool-mercator",
          href: "../",
          // The address holds the view, so both maps show the same place.
          onclick: (event: Event) =>
            ((event.currentTarget as HTMLAnchorElement).href = `../${location.hash}`),
        },
        t("mercatorMap"),
      ),
      h(
        "button",
        { class: "tool", id: "tool-home", title: t("wholeCity"), onclick: whole },
        icon("home"),
      ),
      h(
        "button",
        { class: "tool", id: "tool-lang", onclick: () => setLang(other) },
        lang.value === "zh" ? "EN" : "中文",
      ),
    ),
  );
}

function swatch(entry: LegendEntry): HTMLElement {
  const mark = h("i", { class: `swatch ${entry.shape}` });
  mark.style.setProperty("--colour", entry.colour);
  return mark;
}

function drawList(pane: HTMLElement, layers: GridLayers, changed: () => void): void {
  const rows = layers.infos.map((info) => {
    const box = h("input", {
      type: "checkbox",
      role: "switch",
      id: `show-${info.id}`,
      checked: layers.shown.has(info.id),
      onchange: (event: Event) => {
        layers.show(info.id, (event.target as HTMLInputElement).checked).catch(noteError);
        changed();
      },
    });
    const entries = info.legend.map((each) =>
      h("span", { class: "entry" }, swatch(each), say(each.label)),
    );
    return h(
      "div",
      {},
      h(
        "label",
        { class: "layer", for: `show-${info.id}`, title: say(info.description) },
        box,
        h("span", { class: "name" }, say(info.title)),
      ),
      entries.length > 0 && h("div", { class: "legend" }, ...entries),
    );
  });
  fill(pane, h("fieldset", { class: "group" }, h("legend", {}, t("tab_layers")), ...rows));
}

async function showFile(
  pane: HTMLElement,
  found: { layer: LayerInfo; id: number }[],
): Promise<void> {
  const [first] = found;
  if (!first) return fill(pane, h("p", { class: "quiet" }, t("clickSomething")));
  try {
    const item = await api.item(first.layer.id, first.id);
    const rows = first.layer.fields
      .map((field) => [field, item.properties[field.name]] as const)
      .filter(([, value]) => value !== null && value !== undefined && typeof value !== "object")
      .map(([field, value]) =>
        h(
          "tr",
          { "data-field": field.name },
          h("th", {}, say(field.title)),
          h("td", {}, shownValue(first.layer, field.name, field.unit, value)),
        ),
      );
    fill(
      pane,
      h("h2", { "data-layer": first.layer.id, "data-id": first.id }, titleOf(first.layer, item)),
      h("table", { class: "file" }, h("tbody", {}, ...rows)),
    );
  } catch (error) {
    noteError(error);
  }
}

function titleOf(layer: LayerInfo, item: Item): string {
  const name = item.properties["name"];
  return `${say(layer.title)} ${typeof name === "string" ? name : item.id}`;
}

function shownValue(layer: LayerInfo, name: string, unit: string | null, value: unknown): string {
  if (typeof value === "number") return quantity(value, unit);
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  const text = String(value);
  const coded = layer.fields.find((field) => field.name === name)?.codes?.[text];
  if (coded) return sayCode(`${layer.id}.${name}`, text);
  return DATE.test(text) ? moment(text) : text;
}

void start();
