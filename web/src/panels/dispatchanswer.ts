/** The answer of a dispatch: who goes, who is missing, who was passed over and why. */

import { sayCode } from "../codes";
import type { Assigned, DispatchAnswer } from "../contract";
import { h, icon } from "../dom";
import { duration, metres, whole } from "../format";
import { say, t } from "../lang";
import { routeColour } from "../map/dispatchlayer";
import { modelBox, section } from "./answer";
import { phoneLink } from "./file";

interface Acts {
  fly: (one: Assigned) => void;
  open: (resource: number) => void;
}

function card(one: Assigned, index: number, acts: Acts): HTMLElement {
  const number = h("b", { class: "number" }, index + 1);
  number.style.background = routeColour(index);
  return h(
    "li",
    { class: "card", "data-resource": one.resource_id },
    h(
      "button",
      { class: "row", onclick: () => acts.fly(one) },
      number,
      h(
        "span",
        { class: "named" },
        one.name ?? sayCode("resource.kind", one.kind),
        h("small", {}, `${sayCode("resource.kind", one.kind)}${one.base ? ` · ${one.base}` : ""}`),
      ),
      h(
        "span",
        { class: "time" },
        h("strong", { "data-seconds": one.travel_time_s }, duration(one.travel_time_s)),
        h("small", { "data-metres": one.length_m }, metres(one.length_m)),
      ),
    ),
    one.phone ? phoneLink(one.phone) : null,
  );
}

/** Count the closed roads, whatever causes and classes the answer tells apart. */
function closedCounts(closed: Record<string, unknown>): [string, number][] {
  return Object.entries(closed).flatMap(([key, value]): [string, number][] => {
    if (typeof value === "number") return [[key, value]];
    if (value && typeof value === "object")
      return closedCounts(value as Record<string, unknown>).map(([k, n]) => [k, n]);
    return [];
  });
}

const CAUSES: Record<string, { zh: string; en: string }> = {
  polygon: { zh: "划定封闭区", en: "drawn area" },
  polygons: { zh: "划定封闭区", en: "drawn area" },
  edge: { zh: "指定路段", en: "named road" },
  edges: { zh: "封闭路段", en: "closed roads" },
  named: { zh: "指定路段", en: "named road" },
  reading: { zh: "传感器积水", en: "sensor flood" },
  readings: { zh: "传感器积水", en: "sensor flood" },
  raster: { zh: "水深栅格", en: "depth raster" },
  flood: { zh: "积水", en: "flood" },
};

export function dispatchAnswer(answer: DispatchAnswer, acts: Acts): HTMLElement {
  const unmet = answer.unmet.map((need) =>
    h("li", {}, `${sayCode("resource.kind", need.kind)} × ${need.missing}: ${say(need.reason)}`),
  );
  const passed = answer.passed_over.map((one) =>
    h(
      "li",
      { "data-reason": one.reason_code },
      h(
        "button",
        { class: "row", onclick: () => acts.open(one.resource_id) },
        h(
          "span",
          { class: "named" },
          `${one.name ?? one.resource_id} · ${sayCode("resource.kind", one.kind)}`,
          h("small", {}, say(one.reason)),
        ),
        one.travel_time_s !== null && h("span", { class: "time" }, duration(one.travel_time_s)),
      ),
    ),
  );
  const closed = closedCounts(answer.closed).filter(([, count]) => count > 0);
  const closedWords = closed.map(([key, count]) => {
    const words = CAUSES[key];
    return h("li", {}, `${words ? say(words) : sayCode("resource.kind", key)}: ${whole(count)}`);
  });
  return h(
    "div",
    { class: "answer", id: "dispatch-answer", "data-run": answer.run_id },
    unmet.length > 0 &&
      h(
        "div",
        { class: "note error inline", role: "alert", id: "unmet" },
        icon("warn"),
        h("div", {}, h("strong", {}, t("unmet")), h("ul", {}, ...unmet)),
      ),
    h("ol", { class: "cards", id: "assigned" }, ...answer.assigned.map((a, i) => card(a, i, acts))),
    modelBox(answer),
    passed.length > 0 &&
      section(t("passedOver"), passed.length, h("ul", { class: "list", id: "passed" }, ...passed)),
    closedWords.length > 0 &&
      section(t("closedRoads"), null, h("ul", { class: "quiet", id: "closed" }, ...closedWords), true),
  );
}
