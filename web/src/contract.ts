/** What the service says, as this page reads it: nothing here is richer than the public API. */

import type { Feature, Geometry, Polygon, LineString } from "geojson";
import type { LayerSpecification } from "maplibre-gl";

export type Lang = "zh" | "en";
export type Words = Record<Lang, string>;

export interface City {
  name: string;
  srid: number;
  /** West, south, east, north in degrees. */
  extent: [number, number, number, number];
  vertical_datum: string;
  layers: Record<string, number>;
}

export interface Field {
  name: string;
  title: Words;
  type: string;
  unit: string | null;
  /** What the coded values mean. */
  codes?: Record<string, Words>;
}

export interface LegendEntry {
  colour: string;
  label: Words;
  shape: "fill" | "line" | "circle";
}

/** A MapLibre layer as the catalogue gives it: without its source. */
export type BareStyleLayer = Omit<LayerSpecification, "source" | "source-layer">;

export interface LayerInfo {
  id: string;
  title: Words;
  description: Words;
  geometry: "polygon" | "line" | "point" | "mixed";
  group: string;
  group_title: Words;
  fields: Field[];
  minzoom: number;
  maxzoom: number;
  visible: boolean;
  style: BareStyleLayer[];
  legend: LegendEntry[];
  count: number | null;
}

export type Item = Feature<Geometry, Record<string, unknown>> & { id: number };

export interface Items {
  type: "FeatureCollection";
  features: Item[];
  numberMatched?: number;
  links?: { rel: string; href: string }[];
}

export interface TileJson {
  tiles: string[];
  minzoom?: number;
  maxzoom?: number;
  bounds?: [number, number, number, number];
}

interface Answer {
  run_id: string;
  analysis: string;
  model: { name: string; standard: string | null; version: string; uncertainty?: Words };
  inputs: Record<string, unknown>;
  validity: { in_range: boolean; violated: Words[] };
  features_url: string;
  elapsed_s: number;
}

export interface Ring {
  heat_flux_kw_per_m2: number | null;
  meaning: Words | null;
  radius_m: number;
  buildings: number;
  residents_day: number;
  residents_night: number;
}

export interface HitBuilding {
  id: number;
  uid: string;
  name: string | null;
  use: string | null;
  storeys: number | null;
  residents_day: number | null;
  residents_night: number | null;
  distance_m: number;
  ring: number | null;
}

export interface HitFacility {
  id: number;
  name: string | null;
  kind: string;
  distance_m: number;
  capacity: number | null;
  phone: string | null;
}

export interface HitCell {
  id: number;
  code: string | null;
  name: string | null;
  share: number;
  responsible_person: string | null;
  responsible_phone: string | null;
  region: string | null;
}

export interface HitWater {
  id: number;
  name: string | null;
  kind: string | null;
  distance_m: number;
  depth_m: number | null;
  depth_at: string | null;
}

export interface ImpactAnswer extends Answer {
  radius_m: number;
  /** The outermost ring: everything is counted within it. */
  reach_m: number;
  rings: Ring[];
  totals: {
    buildings: number;
    residents_day: number;
    residents_night: number;
    buildings_residents_day_unknown: number;
    buildings_residents_night_unknown: number;
    facilities: number;
    waterlogging_points: number;
    pipe_length_m: number;
    road_length_m: number;
    grid_cells: number;
  };
  buildings: HitBuilding[];
  facilities: HitFacility[];
  waterlogging_points: HitWater[];
  pipes: { kind: string; segments: number; length_m: number }[];
  roads: { road_class: string; edges: number; length_m: number }[];
  grid_cells: HitCell[];
}

export interface Assigned {
  resource_id: number;
  uid: string;
  name: string | null;
  kind: string;
  vehicle_class: string;
  travel_time_s: number;
  /** The same without the water; null when there is no dry way either. */
  travel_time_dry_s: number | null;
  length_m: number;
  route: LineString;
  edges: number[];
  snap_from_m: number;
  snap_to_m: number;
  phone: string | null;
  base: string | null;
}

export interface PassedOver {
  resource_id: number;
  name: string | null;
  kind: string;
  reason_code: string;
  reason: Words;
  travel_time_s: number | null;
}

export interface DispatchAnswer extends Answer {
  assigned: Assigned[];
  unmet: { kind: string; missing: number; reason: Words }[];
  passed_over: PassedOver[];
  closed: {
    /** In the whole graph, closed or not. */
    edges: number;
    by_vehicle_class: Record<
      string,
      { limit_m: number; edges: number; by_cause: Record<string, number> }
    >;
  };
  flood: {
    readings: { point_id: number; name: string | null; depth_m: number; at: string }[];
    raster: string | null;
    raster_at: string | null;
  };
}

export interface DispatchInputs {
  incident: { type: "Point"; coordinates: [number, number] };
  needs: { kind: string; count: number }[];
  closures: { polygons: Polygon[]; edges: number[] };
  flood: { readings: boolean; raster: string | null; at: string | null };
}

export interface ImpactInputs {
  geometry?: Geometry;
  pipe_id?: number | string;
  radius_m?: number;
  model?: "gas-pipe";
  pressure_pa?: number;
  diameter_m?: number;
  limit?: number;
}
