/** Which teams go where, on which roads: the question. */

import type { Polygon } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";

import { allItems, api } from "../api";
import { sayCode } from "../codes";
import type { DispatchAnswer, DispatchInputs, Item } from "../contract";
import { fill, h, icon, reveal } from "../dom";
import { lang, t } from "../lang";
import type { CityLayers } from "../map/citylayers";
import { DispatchLayer } from "../map/dispatchlayer";
import { drawPolygon, type Drawing } from "../map/draw";
import { flyTo } from "../map/overlay";
import type { Selection } from "../map/selection";
import { dispatchAnswer } from "./dispatchanswer";
import { errorBox, noteError } from "./notice";

interface Team {
  kind: string;
  free: number;
  all: number;
  wanted: number;
}

/** What an emergency usually asks for first; other kinds follow as the city has them. */
const USUAL: [kind: string, wanted: number][] = [
  ["fire_engine", 2],
  ["pump_truck", 1],
];
const MOST = 20;

export class DispatchPanel {
  readonly #pane: HTMLElement;
  readonly #map: MapLibre;
  readonly #layers: CityLayers;
  readonly #selection: Selection;
  readonly #openFile: (layer: string, id: number, fly: boolean) => void;
  readonly #drawn: DispatchLayer;
  #incident: [number, number] | null = null;
  #name: string | null = null;
  #teams: Team[] = USUAL.map(([kind, wanted]) => ({ kind, wanted, free: 0, all: 0 }));
  #counted = false;
  #readings = true;
  #raster = false;
  #zones: Polygon[] = [];
  #edges: { id: number; name: string }[] = [];
  #drawing: Drawing | null = null;
  #busy = false;
  #answer: DispatchAnswer | null = null;
  #error: unknown = null;
  #asked = 0;

  constructor(
    pane: HTMLElement,
    map: MapLibre,
    layers: CityLayers,
    selection: Selection,
    openFile: (layer: string, id: number, fly: boolean) => void,
  ) {
    this.#pane = pane;
    this.#map = map;
    this.#layers = layers;
    this.#selection = selection;
    this.#openFile = openFile;
    this.#drawn = new DispatchLayer(map);
    lang.watch(() => this.#draw());
  }

  /** Take a place as the incident. */
  aim(at: [number, number], name: string | null): void {
    this.#asked += 1;
    this.#incident = at;
    this.#name = name;
    this.#answer = null;
    this.#error = null;
    this.#drawn.clear();
    this.#drawn.setIncident(at);
    this.#selection.mark(null);
    this.#draw();
    void this.count();
  }

  closeRoad(item: Item): void {
    if (this.#edges.some((edge) => edge.id === item.id)) return;
    this.#edges.push({ id: item.id, name: String(item.properties["name"] ?? item.id) });
    this.#draw();
  }

  /** Count who is free, so that nobody asks for what is not there. */
  async count(): Promise<void> {
    if (!this.#layers.info("resource")) return;
    try {
      const items = await allItems("/collections/resource/items?limit=1000");
      const teams = new Map<string, Team>(
        this.#teams.map((team) => [team.kind, { ...team, free: 0, all: 0 }]),
      );
      for (const { properties } of items) {
        const kind = String(properties["kind"]);
        const team = teams.get(kind) ?? { kind, free: 0, all: 0, wanted: 0 };
        team.all += 1;
        if (properties["status"] === "free") team.free += 1;
        teams.set(kind, team);
      }
      this.#teams = [...teams.values()];
      this.#counted = true;
    } catch (error) {
      noteError(error);
    }
    this.#draw();
  }

  #pick(): void {
    this.#selection.mode.set({
      text: t("pickIncident"),
      only: null,
      take: ({ lon, lat }) => {
        this.#selection.mode.set(null);
        this.aim([lon, lat], null);
      },
    });
  }

  #drawZone(): void {
    this.#drawing = drawPolygon(this.#map, this.#selection, (polygon) => {
      this.#drawing = null;
      if (polygon) this.#zones.push(polygon);
      this.#drawn.setZones(this.#zones);
      this.#draw();
    });
    this.#draw();
  }

  #inputs(incident: [number, number]): DispatchInputs {
    return {
      incident: { type: "Point", coordinates: incident },
      needs: this.#teams
        .filter((team) => team.wanted > 0)
        .map(({ kind, wanted }) => ({ kind, count: wanted })),
      closures: { polygons: this.#zones, edges: this.#edges.map((edge) => edge.id) },
      flood: { readings: this.#readings, raster: this.#raster ? "latest" : null, at: null },
    };
  }

  async run(): Promise<void> {
    if (!this.#incident || this.#busy) return;
    this.#asked += 1;
    const asked = this.#asked;
    this.#busy = true;
    this.#answer = null;
    this.#error = null;
    const incident = this.#incident;
    this.#drawn.clear();
    this.#drawn.setIncident(incident);
    this.#draw();
    try {
      const answer = await api.dispatch(this.#inputs(incident));
      if (asked === this.#asked) this.#answer = answer;
    } catch (error) {
      if (asked === this.#asked) this.#error = error;
    }
    this.#busy = false;
    this.#draw();
    const answer = this.#answer;
    if (!answer) return;
    reveal(this.#pane, "dispatch-answer");
    // The figures stand; a picture that could not be fetched is told beside them.
    await this.#drawn.show(answer).catch(noteError);
  }

  #clear(): void {
    this.#asked += 1;
    this.#incident = null;
    this.#answer = null;
    this.#error = null;
    this.#zones = [];
    this.#edges = [];
    this.#drawn.clear();
    this.#drawn.setZones([]);
    this.#draw();
  }

  #draw(): void {
    fill(
      this.#pane,
      h("h2", {}, t("dispatchTitle")),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { class: "button", id: "pick-incident", onclick: () => this.#pick() },
          t("pickIncidentButton"),
        ),
      ),
      this.#incidentBox(),
      this.#needs(),
      this.#flood(),
      this.#closures(),
      this.#runButtons(),
      this.#busy && h("div", { class: "spinner", role: "status" }),
      this.#error !== null && errorBox(this.#error),
      this.#answer &&
        dispatchAnswer(this.#answer, {
          fly: (one) => flyTo(this.#map, [one.route], 17),
          open: (id) => this.#openFile("resource", id, true),
        }),
    );
  }

  #incidentBox(): HTMLElement {
    if (!this.#incident) return h("div", { class: "empty" }, t("dispatchEmpty"));
    const [lon, lat] = this.#incident;
    const where = `${lon.toFixed(5)}, ${lat.toFixed(5)}`;
    return h(
      "p",
      { class: "target", id: "incident" },
      this.#name ? `${this.#name} · ${where}` : where,
    );
  }

  #needs(): HTMLElement {
    return h(
      "fieldset",
      { class: "group" },
      h("legend", {}, t("needs")),
      ...this.#teams.map((team) => this.#stepper(team)),
    );
  }

  #stepper(team: Team): HTMLElement {
    const step = (by: number) => () => {
      team.wanted = Math.min(MOST, Math.max(0, team.wanted + by));
      this.#draw();
      this.#pane.querySelector<HTMLElement>(`#${by > 0 ? "more" : "less"}-${team.kind}`)?.focus();
    };
    const free = this.#counted ? t("freeOf", { free: team.free, all: team.all }) : "";
    const label = `${sayCode("resource.kind", team.kind)}: ${team.wanted}`;
    return h(
      "div",
      { class: "stepper", role: "group", "aria-label": label },
      h("span", { class: "name" }, sayCode("resource.kind", team.kind), h("small", {}, free)),
      h(
        "button",
        { class: "tool", id: `less-${team.kind}`, "aria-label": t("less"), onclick: step(-1) },
        "−",
      ),
      h("output", { id: `wanted-${team.kind}` }, team.wanted),
      h(
        "button",
        { class: "tool", id: `more-${team.kind}`, "aria-label": t("more"), onclick: step(1) },
        "+",
      ),
    );
  }

  #flood(): HTMLElement {
    const toggle = (id: string, text: string, on: boolean, set: (on: boolean) => void) =>
      h(
        "label",
        { class: "layer", for: id },
        h("input", {
          type: "checkbox",
          role: "switch",
          id,
          checked: on,
          onchange: (event: Event) => set((event.target as HTMLInputElement).checked),
        }),
        h("span", { class: "name" }, text),
      );
    return h(
      "fieldset",
      { class: "group" },
      h("legend", {}, t("presentFlood")),
      toggle("flood-readings", t("floodReadings"), this.#readings, (on) => {
        this.#readings = on;
      }),
      toggle("flood-raster", t("floodRaster"), this.#raster, (on) => {
        this.#raster = on;
      }),
    );
  }

  #closures(): HTMLElement {
    const drop = (text: string, act: () => void): HTMLElement =>
      h(
        "span",
        { class: "tag" },
        text,
        h("button", { class: "tool", "aria-label": t("remove"), onclick: act }, icon("close")),
      );
    const zones = this.#zones.map((zone, index) =>
      drop(t("zone", { n: index + 1 }), () => {
        this.#zones = this.#zones.filter((other) => other !== zone);
        this.#drawn.setZones(this.#zones);
        this.#draw();
      }),
    );
    const edges = this.#edges.map((edge) =>
      drop(edge.name, () => {
        this.#edges = this.#edges.filter((other) => other !== edge);
        this.#draw();
      }),
    );
    const drawing = this.#drawing;
    const buttons = drawing
      ? [
          h(
            "button",
            { class: "button primary", id: "draw-finish", onclick: drawing.finish },
            t("drawFinish"),
          ),
          h("button", { class: "button", id: "draw-cancel", onclick: drawing.cancel }, t("cancel")),
        ]
      : [
          h(
            "button",
            { class: "button", id: "draw-zone", onclick: () => this.#drawZone() },
            t("drawZone"),
          ),
        ];
    return h(
      "fieldset",
      { class: "group" },
      h("legend", {}, t("closures")),
      zones.length + edges.length > 0 && h("div", { class: "tags" }, ...zones, ...edges),
      h("div", { class: "actions" }, ...buttons),
    );
  }

  #runButtons(): HTMLElement {
    const ready = this.#incident !== null && !this.#busy && this.#teams.some((x) => x.wanted > 0);
    return h(
      "div",
      { class: "actions" },
      h(
        "button",
        {
          class: "button primary",
          id: "run-dispatch",
          disabled: !ready,
          onclick: () => void this.run(),
        },
        icon("dispatch"),
        t("runDispatch"),
      ),
      h(
        "button",
        { class: "button", id: "clear-dispatch", onclick: () => this.#clear() },
        t("clear"),
      ),
    );
  }
}
