/** What the gas model needs of a pipe: from its file, else asked for. */

import type { ImpactInputs, Item } from "../contract";
import { h } from "../dom";
import { quantity } from "../format";
import { t } from "../lang";

/** People say megapascal and millimetre; the service is told SI. */
const PA_PER_MPA = 1e6;
const M_PER_MM = 1e-3;

interface Fact {
  input: "pressure_pa" | "diameter_m";
  property: "pressure_pa" | "width_m";
  text: "pressure" | "diameter";
  unit: string;
  said: string;
  factor: number;
}

const FACTS: Fact[] = [
  {
    input: "diameter_m",
    property: "width_m",
    text: "diameter",
    unit: "m",
    said: "mm",
    factor: M_PER_MM,
  },
  {
    input: "pressure_pa",
    property: "pressure_pa",
    text: "pressure",
    unit: "Pa",
    said: "MPa",
    factor: PA_PER_MPA,
  },
];

export type GasInputs = Pick<ImpactInputs, "pressure_pa" | "diameter_m">;

function row(fact: Fact, pipe: Item, given: GasInputs): HTMLElement {
  const known = pipe.properties[fact.property];
  if (typeof known === "number" && known > 0)
    return h("p", { class: "quiet" }, `${t(fact.text)} ${quantity(known, fact.unit)}`);
  const box = h("input", {
    type: "number",
    id: `gas-${fact.text}`,
    min: 0,
    step: "any",
    inputmode: "decimal",
    value: given[fact.input] === undefined ? "" : (given[fact.input] ?? 0) / fact.factor,
  });
  box.addEventListener("input", () => {
    const value = Number(box.value) * fact.factor;
    if (box.value === "") delete given[fact.input];
    else given[fact.input] = value;
  });
  return h(
    "div",
    { class: "radius" },
    h("label", { for: `gas-${fact.text}` }, `${t(fact.text)} (${t("notInFile")})`),
    box,
    h("span", {}, fact.said),
  );
}

/** Return what the file says of a gas pipe, and boxes for what it does not say. */
export function gasForm(pipe: Item, given: GasInputs): HTMLElement {
  return h("div", {}, ...FACTS.map((fact) => row(fact, pipe, given)));
}
