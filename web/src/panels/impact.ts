/** Who and what is affected: the question, and the answer as figures and lists. */

import type { Map as MapLibre } from "maplibre-gl";

import { api } from "../api";
import type { ImpactAnswer, ImpactInputs, Item } from "../contract";
import { fill, h, icon, reveal } from "../dom";
import { lang, say, t } from "../lang";
import type { CityLayers } from "../map/citylayers";
import { ImpactLayer } from "../map/impactlayer";
import { anchorOf } from "../map/overlay";
import type { Selection } from "../map/selection";
import { gasForm, type GasInputs } from "./gasform";
import { impactAnswer } from "./impactanswer";
import { errorBox, note, noteError } from "./notice";

type Target =
  | { kind: "point"; at: [number, number] }
  | { kind: "pipe"; item: Item }
  | { kind: "feature"; layer: string; item: Item };

const LISTED = 1000;
const SMALLEST_M = 10;
const LARGEST_M = 50_000;
/** The slider is logarithmic: 20 m to 5 km; the box beside it takes the whole range. */
const SLIDER = { low: Math.log10(20), high: Math.log10(5000) };

export interface ImpactActions {
  dispatch: (at: [number, number], name: string | null) => void;
  openFile: (layer: string, id: number, fly: boolean) => void;
}

export class ImpactPanel {
  readonly #pane: HTMLElement;
  readonly #layers: CityLayers;
  readonly #selection: Selection;
  readonly #actions: ImpactActions;
  readonly #drawn: ImpactLayer;
  #target: Target | null = null;
  #gas = false;
  #given: GasInputs = {};
  #radius = 300;
  #busy = false;
  #answer: ImpactAnswer | null = null;
  #error: unknown = null;
  #asked = 0;

  constructor(
    pane: HTMLElement,
    map: MapLibre,
    layers: CityLayers,
    selection: Selection,
    actions: ImpactActions,
  ) {
    this.#pane = pane;
    this.#layers = layers;
    this.#selection = selection;
    this.#actions = actions;
    this.#drawn = new ImpactLayer(map, layers);
    lang.watch(() => this.#draw());
  }

  /** Take a feature of the map as the incident. */
  aim(layer: string, item: Item, at: [number, number]): void {
    if (layer === "pipe_segment") this.#take({ kind: "pipe", item });
    else if (layer) this.#take({ kind: "feature", layer, item });
    else this.#take({ kind: "point", at });
  }

  #take(target: Target): void {
    this.#target = target;
    this.#given = {};
    this.#gas = target.kind === "pipe" && target.item.properties["kind"] === "gas";
    this.#answer = null;
    this.#error = null;
    this.#drawn.clear();
    this.#selection.mark(
      target.kind === "point" ? { type: "Point", coordinates: target.at } : target.item.geometry,
    );
    this.#draw();
  }

  #pickPoint(): void {
    this.#selection.mode.set({
      text: t("pickPoint"),
      only: null,
      take: ({ lon, lat }) => {
        this.#selection.mode.set(null);
        this.#take({ kind: "point", at: [lon, lat] });
      },
    });
  }

  #pickPipe(): void {
    this.#layers.show("pipe_segment", true);
    this.#selection.mode.set({
      text: t("pickPipe"),
      only: new Set(["pipe_segment"]),
      take: ({ candidates }) => {
        const [pipe] = candidates;
        if (!pipe) return note(t("noPipeHere"));
        this.#selection.mode.set(null);
        api
          .item("pipe_segment", pipe.id)
          .then((item) => this.#take({ kind: "pipe", item }))
          .catch(noteError);
      },
    });
  }

  #inputs(target: Target): ImpactInputs {
    const inputs: ImpactInputs = { limit: LISTED };
    if (target.kind === "pipe") inputs.pipe_id = target.item.id;
    else if (target.kind === "point") inputs.geometry = { type: "Point", coordinates: target.at };
    else inputs.geometry = target.item.geometry;
    if (this.#gas) Object.assign(inputs, { model: "gas-pipe" }, this.#given);
    else inputs.radius_m = this.#radius;
    return inputs;
  }

  async run(): Promise<void> {
    const target = this.#target;
    if (!target || this.#busy) return;
    this.#asked += 1;
    const asked = this.#asked;
    this.#busy = true;
    this.#answer = null;
    this.#error = null;
    this.#drawn.clear();
    this.#draw();
    try {
      const answer = await api.impact(this.#inputs(target));
      if (asked === this.#asked) this.#answer = answer;
    } catch (error) {
      if (asked === this.#asked) this.#error = error;
    }
    this.#busy = false;
    this.#draw();
    const answer = this.#answer;
    if (!answer) return;
    this.#selection.mark(null);
    reveal(this.#pane, "impact-answer");
    // The figures stand; a picture that could not be fetched is told beside them.
    await this.#drawn.show(answer).catch(noteError);
  }

  #clear(): void {
    this.#asked += 1;
    this.#target = null;
    this.#answer = null;
    this.#error = null;
    this.#drawn.clear();
    this.#selection.mark(null);
    this.#draw();
  }

  #draw(): void {
    fill(
      this.#pane,
      h("h2", {}, t("impactTitle")),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { class: "button", id: "pick-point", onclick: () => this.#pickPoint() },
          t("aPoint"),
        ),
        this.#layers.info("pipe_segment") &&
          h(
            "button",
            { class: "button", id: "pick-pipe", onclick: () => this.#pickPipe() },
            t("aPipe"),
          ),
      ),
      this.#targetBox(),
      this.#target && this.#modelChoice(),
      this.#target && this.#runButtons(),
      this.#busy && h("div", { class: "spinner", role: "status" }),
      this.#error !== null && errorBox(this.#error),
      this.#answer && impactAnswer(this.#answer, this.#actions.openFile),
    );
  }

  #targetBox(): HTMLElement {
    const target = this.#target;
    if (!target) return h("div", { class: "empty" }, t("impactEmpty"));
    if (target.kind === "point") {
      const [lon, lat] = target.at;
      return h(
        "p",
        { class: "target", id: "target" },
        `${t("place")} ${lon.toFixed(5)}, ${lat.toFixed(5)}`,
      );
    }
    const layer = target.kind === "pipe" ? "pipe_segment" : target.layer;
    const title = say(this.#layers.info(layer)?.title ?? layer);
    const { name, kind } = target.item.properties;
    const text = `${title} · ${String(name ?? kind ?? "")} (${target.item.id})`;
    return h("p", { class: "target", id: "target" }, text);
  }

  #isGas(): boolean {
    return this.#target?.kind === "pipe" && this.#target.item.properties["kind"] === "gas";
  }

  #modelChoice(): HTMLElement {
    const choose = (gas: boolean) => () => {
      this.#gas = gas;
      this.#draw();
    };
    const radio = (id: string, gas: boolean, text: string): HTMLElement =>
      h(
        "label",
        { class: "choice", for: id },
        h("input", {
          type: "radio",
          name: "model",
          id,
          checked: this.#gas === gas,
          onchange: choose(gas),
        }),
        text,
      );
    return h(
      "div",
      { class: "form" },
      this.#isGas() && radio("model-gas", true, t("gasModel")),
      this.#isGas() && radio("model-radius", false, t("radiusModel")),
      this.#gas && this.#target?.kind === "pipe"
        ? gasForm(this.#target.item, this.#given)
        : this.#radiusInput(),
    );
  }

  #radiusInput(): HTMLElement {
    const slider = h("input", {
      type: "range",
      id: "radius-slider",
      min: SLIDER.low,
      max: SLIDER.high,
      step: 0.01,
      value: Math.log10(this.#radius),
      "aria-label": t("radius"),
    });
    const box = h("input", {
      type: "number",
      id: "radius",
      min: SMALLEST_M,
      max: LARGEST_M,
      step: "any",
      value: this.#radius,
      inputmode: "decimal",
    });
    slider.addEventListener("input", () => {
      // Two figures are what a thumb can mean.
      this.#radius = Number((10 ** Number(slider.value)).toPrecision(2));
      box.value = String(this.#radius);
    });
    box.addEventListener("input", () => {
      this.#radius = Number(box.value);
      slider.value = String(Math.log10(Math.max(1, this.#radius)));
    });
    return h(
      "div",
      { class: "radius" },
      h("label", { for: "radius" }, t("radius")),
      slider,
      box,
      h("span", {}, "m"),
    );
  }

  #runButtons(): HTMLElement {
    const target = this.#target;
    const at = target && (target.kind === "point" ? target.at : anchorOf(target.item.geometry));
    const name = target && target.kind !== "point" ? target.item.properties["name"] : null;
    return h(
      "div",
      { class: "actions" },
      h(
        "button",
        {
          class: "button primary",
          id: "run-impact",
          disabled: this.#busy,
          onclick: () => void this.run(),
        },
        icon("impact"),
        t("runImpact"),
      ),
      at &&
        h(
          "button",
          {
            class: "button",
            id: "impact-dispatch",
            onclick: () => this.#actions.dispatch(at, typeof name === "string" ? name : null),
          },
          icon("dispatch"),
          t("dispatchHere"),
        ),
      h(
        "button",
        { class: "button", id: "clear-impact", onclick: () => this.#clear() },
        t("clear"),
      ),
    );
  }
}
