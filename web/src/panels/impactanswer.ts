/** The answer of an impact, as figures first and lists after. */

import { sayCode } from "../codes";
import type { HitBuilding, HitCell, HitFacility, HitWater, ImpactAnswer } from "../contract";
import { h } from "../dom";
import { decimal, depth, metres, share, whole } from "../format";
import { say, t } from "../lang";
import { ringColour } from "../map/impactlayer";
import { modelBox, section, sortable, validityBox } from "./answer";
import { phoneLink } from "./file";

type OpenFile = (layer: string, id: number, fly: boolean) => void;

function figure(id: string, title: string, value: string, big = false): HTMLElement {
  return h(
    "div",
    { class: big ? "figure big" : "figure" },
    h("span", {}, title),
    h("strong", { id: `total-${id}` }, value),
  );
}

function dot(ring: number | null): HTMLElement {
  const mark = h("i", { class: "swatch circle" });
  mark.style.setProperty("--colour", ringColour(ring));
  return mark;
}

function rings(answer: ImpactAnswer): HTMLElement {
  const rows = [...answer.rings]
    .sort((a, b) => a.radius_m - b.radius_m)
    .map((ring, index) =>
      h(
        "li",
        {},
        dot(index),
        h("strong", {}, metres(ring.radius_m)),
        h(
          "span",
          {},
          ring.heat_flux_kw_per_m2 !== null && `${decimal(ring.heat_flux_kw_per_m2, 1)} kW/m² · `,
          t("ringPeople", { night: whole(ring.residents_night), day: whole(ring.residents_day) }),
          ring.meaning && h("small", {}, say(ring.meaning)),
        ),
      ),
    );
  return h("ul", { class: "rings", id: "rings" }, ...rows);
}

function buildings(answer: ImpactAnswer, open: OpenFile): HTMLElement {
  return sortable<HitBuilding>(
    "list-buildings",
    [
      {
        title: t("distance"),
        key: (b) => b.distance_m,
        show: (b) => metres(b.distance_m),
        numeric: true,
      },
      {
        title: t("building"),
        key: (b) => b.name ?? b.use,
        show: (b) =>
          h(
            "span",
            { class: "named" },
            dot(b.ring),
            b.name ?? sayCode("building.use", b.use),
            storeys(b),
          ),
      },
      {
        title: t("night"),
        key: (b) => b.residents_night,
        show: (b) => whole(b.residents_night),
        numeric: true,
        down: true,
      },
      {
        title: t("day"),
        key: (b) => b.residents_day,
        show: (b) => whole(b.residents_day),
        numeric: true,
        down: true,
      },
    ],
    answer.buildings,
    (b) => open("building", b.id, true),
  );
}

function storeys(building: HitBuilding): HTMLElement | null {
  if (building.storeys === null) return null;
  const words = building.name ? `${sayCode("building.use", building.use)} · ` : "";
  return h("small", {}, words + t("storeys", { n: building.storeys }));
}

function facilities(answer: ImpactAnswer, open: OpenFile): HTMLElement {
  return sortable<HitFacility>(
    "list-facilities",
    [
      {
        title: t("distance"),
        key: (f) => f.distance_m,
        show: (f) => metres(f.distance_m),
        numeric: true,
      },
      {
        title: t("facility"),
        key: (f) => f.name,
        show: (f) =>
          h(
            "span",
            { class: "named" },
            f.name ?? "—",
            h("small", {}, sayCode("facility.kind", f.kind)),
          ),
      },
      {
        title: t("capacity"),
        key: (f) => f.capacity,
        show: (f) => whole(f.capacity),
        numeric: true,
        down: true,
      },
      { title: t("phone"), key: (f) => f.phone, show: (f) => (f.phone ? phoneLink(f.phone) : "—") },
    ],
    answer.facilities,
    (f) => open("facility", f.id, true),
  );
}

function cells(answer: ImpactAnswer, open: OpenFile): HTMLElement {
  return sortable<HitCell>(
    "list-cells",
    [
      {
        title: t("share"),
        key: (c) => c.share,
        show: (c) => share(c.share),
        numeric: true,
        down: true,
      },
      {
        title: t("cell"),
        key: (c) => c.name ?? c.code,
        show: (c) =>
          h("span", { class: "named" }, c.name ?? c.code ?? "—", h("small", {}, c.region ?? "")),
      },
      {
        title: t("person"),
        key: (c) => c.responsible_person,
        show: (c) => c.responsible_person ?? "—",
      },
      {
        title: t("phone"),
        key: (c) => c.responsible_phone,
        show: (c) => (c.responsible_phone ? phoneLink(c.responsible_phone) : "—"),
      },
    ],
    answer.grid_cells,
    (c) => open("grid_cell", c.id, true),
  );
}

function water(answer: ImpactAnswer, open: OpenFile): HTMLElement {
  return sortable<HitWater>(
    "list-water",
    [
      {
        title: t("distance"),
        key: (w) => w.distance_m,
        show: (w) => metres(w.distance_m),
        numeric: true,
      },
      { title: t("waterPoint"), key: (w) => w.name, show: (w) => w.name ?? String(w.id) },
      {
        title: t("depth"),
        key: (w) => w.depth_m,
        show: (w) => depth(w.depth_m),
        numeric: true,
        down: true,
      },
    ],
    answer.waterlogging_points,
    (w) => open("waterlogging_point", w.id, true),
  );
}

function lengths(
  id: string,
  field: string,
  rows: { code: string; pieces: number; length_m: number }[],
): HTMLElement {
  return sortable(
    id,
    [
      {
        title: t("length"),
        key: (r) => r.length_m,
        show: (r) => metres(r.length_m),
        numeric: true,
        down: true,
      },
      { title: t("kind"), key: (r) => r.code, show: (r) => sayCode(field, r.code) },
      {
        title: t("pieces"),
        key: (r) => r.pieces,
        show: (r) => whole(r.pieces),
        numeric: true,
        down: true,
      },
    ],
    rows,
    null,
  );
}

export function impactAnswer(answer: ImpactAnswer, open: OpenFile): HTMLElement {
  const { totals } = answer;
  const unknown = totals.buildings_residents_night_unknown;
  const listed = answer.buildings.length;
  const pipes = answer.pipes.map((p) => ({
    code: p.kind,
    pieces: p.segments,
    length_m: p.length_m,
  }));
  const roads = answer.roads.map((r) => ({
    code: r.road_class,
    pieces: r.edges,
    length_m: r.length_m,
  }));
  return h(
    "div",
    { class: "answer", id: "impact-answer", "data-run": answer.run_id },
    validityBox(answer),
    h(
      "div",
      { class: "figures" },
      figure("residents-night", t("residentsNight"), whole(totals.residents_night), true),
      figure("residents-day", t("residentsDay"), whole(totals.residents_day), true),
      figure("buildings", t("buildings"), whole(totals.buildings)),
      figure("facilities", t("facilities"), whole(totals.facilities)),
      figure("pipes", t("pipes"), metres(totals.pipe_length_m)),
      figure("roads", t("roads"), metres(totals.road_length_m)),
      figure("cells", t("cells"), whole(totals.grid_cells)),
      figure("radius", t("radius"), metres(answer.reach_m)),
    ),
    unknown > 0 && h("p", { class: "quiet" }, t("unknownResidents", { n: unknown })),
    modelBox(answer),
    rings(answer),
    section(t("buildings"), totals.buildings, buildings(answer, open), true),
    listed < totals.buildings &&
      h("p", { class: "quiet" }, t("listedOf", { n: listed, all: totals.buildings })),
    section(t("facilities"), totals.facilities, facilities(answer, open)),
    section(t("cells"), totals.grid_cells, cells(answer, open)),
    section(t("waterPoints"), totals.waterlogging_points, water(answer, open)),
    section(t("pipes"), pipes.length, lengths("list-pipes", "pipe_segment.kind", pipes)),
    section(t("roads"), roads.length, lengths("list-roads", "road_edge.road_class", roads)),
  );
}
