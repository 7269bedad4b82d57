/** Draws features as the catalogue's MapLibre layers say: fills, lines and circles.
 *
 * Filters and values are read by MapLibre's own reader of styles, so an expression means the same
 * here as on the other map.  Walls, blur and patterns are left out. */

import {
  type Color,
  type Feature as Known,
  type FilterSpecification,
  type StylePropertyExpression,
  featureFilter,
  latest,
  normalizePropertyExpression,
} from "@maplibre/maplibre-gl-style-spec";
import type { FeatureLike } from "ol/Feature";
import type RenderFeature from "ol/render/Feature";
import { Circle, Fill, Stroke, Style } from "ol/style";

import type { BareStyleLayer } from "../contract";
import { zoomOf } from "./frame";

type Read = (zoom: number, feature: Known) => unknown;
type Kind = "fill" | "line" | "circle";
type Dashes = number[];

/** One MapLibre layer, ready to be asked. */
interface Part {
  kind: Kind;
  minzoom: number;
  maxzoom: number;
  shown: (zoom: number, feature: Known) => boolean;
  value: (name: string) => Read;
}

/** Keys that order lines inside a part stay below this. */
const STEP = 100;
const MOST_KEPT = 5000;
const GEOMETRY = { fill: "Polygon", line: "LineString", circle: "Point" } as const;

function readerOf(
  group: "paint" | "layout",
  kind: Kind,
  name: string,
  given: Record<string, unknown>,
): Read {
  const known = (latest as unknown as Record<string, Record<string, { default?: unknown }>>)[
    `${group}_${kind}`
  ]?.[name];
  if (!known) throw new Error(`MapLibre knows no ${group} ${kind} ${name}`);
  const value = given[name] ?? known.default;
  if (value === undefined) return () => undefined;
  const read: StylePropertyExpression = normalizePropertyExpression(
    value as never,
    known as never,
  );
  return (zoom, feature) => read.evaluate({ zoom }, feature);
}

function partOf(style: BareStyleLayer, always: boolean): Part | null {
  const { type, paint = {}, layout = {} } = style as {
    type: string;
    paint?: Record<string, unknown>;
    layout?: Record<string, unknown>;
  };
  if (type !== "fill" && type !== "line" && type !== "circle") return null;
  const { filter, minzoom, maxzoom } = style as {
    filter?: FilterSpecification;
    minzoom?: number;
    maxzoom?: number;
  };
  const test = featureFilter(filter);
  const readers = new Map<string, Read>();
  return {
    kind: type,
    minzoom: minzoom ?? 0,
    maxzoom: always ? Infinity : (maxzoom ?? Infinity),
    shown: (zoom, feature) => test.filter({ zoom }, feature),
    value: (name) => {
      let found = readers.get(name);
      if (!found) {
        const isLayout = name === "line-cap" || name === "line-join" || name === "line-sort-key";
        found = readerOf(isLayout ? "layout" : "paint", type, name, isLayout ? layout : paint);
        readers.set(name, found);
      }
      return found;
    },
  };
}

/** Return a colour with an opacity, as CSS writes it. */
function css(colour: unknown, opacity: unknown): string {
  const { r, g, b, a } = colour as Color;
  // MapLibre keeps colours multiplied by their alpha.
  const channel = (value: number): number => Math.round((a > 0 ? value / a : 0) * 255);
  const alpha = a * Number(opacity ?? 1);
  return `rgba(${channel(r)},${channel(g)},${channel(b)},${Number(alpha.toFixed(3))})`;
}

/** Styles that came before: making one costs more than finding it. */
const kept = new Map<string, Style>();

function keep(key: string, make: () => Style): Style {
  let found = kept.get(key);
  if (!found) {
    if (kept.size > MOST_KEPT) kept.clear();
    found = make();
    kept.set(key, found);
  }
  return found;
}

function filled(part: Part, zoom: number, feature: Known, zIndex: number): Style {
  const value = (name: string): unknown => part.value(name)(zoom, feature);
  const opacity = value("fill-opacity");
  const inside = css(value("fill-color"), opacity);
  const outline = value("fill-outline-color");
  // MapLibre draws a polygon's rim in its own colour unless told another, or not to.
  const rim = outline ? css(outline, opacity) : value("fill-antialias") === false ? null : inside;
  return keep(`f ${zIndex} ${inside} ${rim}`, () => {
    const stroke = rim && outline ? new Stroke({ color: rim, width: 1 }) : undefined;
    return new Style({ zIndex, fill: new Fill({ color: inside }), stroke });
  });
}

function lined(part: Part, zoom: number, feature: Known, zIndex: number): Style | null {
  const value = (name: string): unknown => part.value(name)(zoom, feature);
  const width = Number(value("line-width"));
  if (!(width > 0)) return null;
  const color = css(value("line-color"), value("line-opacity"));
  const dashes = value("line-dasharray") as { from?: Dashes } | Dashes | undefined;
  const pattern = (Array.isArray(dashes) ? dashes : dashes?.from)?.map((dash) => dash * width);
  const rank = zIndex + Number(value("line-sort-key") ?? 0);
  const lineCap = value("line-cap") as CanvasLineCap;
  const lineJoin = value("line-join") as CanvasLineJoin;
  const key = `l ${rank} ${color} ${width.toFixed(2)} ${pattern} ${lineCap} ${lineJoin}`;
  return keep(key, () => {
    const stroke = new Stroke({ color, width, lineCap, lineJoin, lineDash: pattern });
    return new Style({ zIndex: rank, stroke });
  });
}

function dotted(part: Part, zoom: number, feature: Known, zIndex: number): Style | null {
  const value = (name: string): unknown => part.value(name)(zoom, feature);
  const radius = Number(value("circle-radius"));
  if (!(radius > 0)) return null;
  const inside = css(value("circle-color"), value("circle-opacity"));
  const width = Number(value("circle-stroke-width"));
  const rim = css(value("circle-stroke-color"), value("circle-stroke-opacity"));
  return keep(`c ${zIndex} ${radius.toFixed(1)} ${inside} ${width.toFixed(1)} ${rim}`, () => {
    // MapLibre's rim lies around the circle, OpenLayers' half inside it.
    const stroke = width > 0 ? new Stroke({ color: rim, width }) : undefined;
    const circle = new Circle({
      radius: radius + width / 2,
      fill: new Fill({ color: inside }),
      stroke,
      // Unless it says so, OpenLayers takes it for one of those that make room for each other, and
      // a click does not find it.
      declutterMode: "none",
    });
    return new Style({ zIndex, image: circle });
  });
}

const DRAW = { fill: filled, line: lined, circle: dotted };

/** Return what OpenLayers asks for each feature: its styles at a resolution. */
export function drawer(
  styles: BareStyleLayer[],
): (feature: FeatureLike, resolution: number) => Style[] {
  // The catalogue ends the footprint where the walls begin; this map has no walls.
  const walls = styles.some(({ type }) => type === "fill-extrusion");
  const parts = styles
    .map((style) => partOf(style, walls && style.type === "fill"))
    .filter((part) => part !== null);
  return (feature, resolution) => {
    const zoom = zoomOf(resolution);
    // What comes out of tiles is never anything else.
    const type = (feature as RenderFeature).getType().replace("Multi", "") as Known["type"];
    const known: Known = {
      type,
      id: feature.getId(),
      properties: feature.getProperties(),
    };
    const found: Style[] = [];
    for (const [index, part] of parts.entries()) {
      if (zoom < part.minzoom || zoom >= part.maxzoom) continue;
      // A polygon has a rim that lines are drawn along; circles stand on places alone.
      const fits = GEOMETRY[part.kind] === type || (part.kind === "line" && type === "Polygon");
      if (!fits || !part.shown(zoom, known)) continue;
      const style = DRAW[part.kind](part, zoom, known, index * STEP);
      if (style) found.push(style);
    }
    return found;
  };
}
