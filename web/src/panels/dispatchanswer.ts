/** The answer of a dispatch: who goes, who is missing, who was passed over and why. */

import { sayCode } from "../codes";
import type { Assigned, DispatchAnswer } from "../contract";
import { h, icon } from "../dom";
import { clock, depth, duration, metres, whole } from "../format";
import { say, t } from "../lang";
import { routeColour } from "../map/dispatchlayer";
import { TEXTS, type TextKey } from "../texts";
import { modelBox, section, validityBox } from "./answer";
import { phoneLink } from "./file";

interface Acts {
  fly: (one: Assigned) => void;
  open: (resource: number) => void;
}

/** From here on the crew must know that the road does not reach the incident. */
const ON_FOOT_M = 30;

function card(one: Assigned, index: number, acts: Acts): HTMLElement {
  const number = h("b", { class: "number" }, index + 1);
  number.style.background = routeColour(index);
  const late = detour(one);
  const short = one.snap_to_m > ON_FOOT_M && t("endsShort", { far: metres(one.snap_to_m) });
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
        late && h("small", { class: "late" }, late),
        short && h("small", { class: "late" }, short),
      ),
    ),
    one.phone ? phoneLink(one.phone) : null,
  );
}

/** Say what is closed to each class of vehicle, and by what. */
function closedRoads(answer: DispatchAnswer): HTMLElement {
  const rows = Object.entries(answer.closed.by_vehicle_class).map(([vehicle, closed]) => {
    const causes = Object.entries(closed.by_cause)
      .filter(([, count]) => count > 0)
      .map(([cause, count]) => `${sayCause(cause)} ${whole(count)}`);
    return h(
      "tr",
      { "data-vehicle": vehicle },
      h("td", {}, sayCode("resource.kind", vehicle), h("small", {}, causes.join(" · "))),
      h("td", { class: "number" }, t("fromDepth", { depth: depth(closed.limit_m) })),
      h("td", { class: "number" }, t("closedCount", { n: whole(closed.edges) })),
    );
  });
  return h("div", { class: "scroll", id: "closed" }, h("table", {}, h("tbody", {}, ...rows)));
}

function sayCause(cause: string): string {
  const key = `cause_${cause}`;
  return key in TEXTS ? t(key as TextKey) : cause;
}

/** Say what the answer knew of the water. */
function floodUsed(answer: DispatchAnswer): HTMLElement {
  const { readings, raster, raster_at } = answer.flood;
  const parts = [t("readingsUsed", { n: readings.length })];
  if (raster)
    parts.push(t("rasterUsed", { name: raster, time: raster_at ? clock(raster_at) : "" }));
  return h("p", { class: "quiet", id: "flood-used" }, parts.join(" · "));
}

/** Say how much longer the way is because of the water, when it is at all. */
function detour(one: Assigned): string | null {
  if (one.travel_time_dry_s === null) return null;
  const more = one.travel_time_s - one.travel_time_dry_s;
  return more < 1 ? null : t("detour", { time: duration(more) });
}

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
  return h(
    "div",
    { class: "answer", id: "dispatch-answer", "data-run": answer.run_id },
    validityBox(answer),
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
    floodUsed(answer),
    section(t("closedRoads"), null, closedRoads(answer)),
  );
}
