/** Which kinds of a layer are drawn: the catalogue colours by a code, the legend names the colour. */

import type { ExpressionSpecification } from "maplibre-gl";

import type { LayerInfo } from "../contract";

export interface Kinds {
  field: string;
  /** The codes behind each colour of the legend. */
  byColour: ReadonlyMap<string, readonly string[]>;
}

/** Return the first `match` on a field inside a style value. */
function findMatch(value: unknown): unknown[] | null {
  if (!Array.isArray(value)) return null;
  const [operator, input] = value as unknown[];
  if (operator === "match" && Array.isArray(input) && input[0] === "get") return value;
  for (const part of value) {
    const found = findMatch(part);
    if (found) return found;
  }
  return null;
}

/** Return the kinds that a layer's colours tell apart, or null if they tell nothing. */
export function kindsOf(info: LayerInfo): Kinds | null {
  const colours = new Set(info.legend.map((entry) => entry.colour));
  for (const style of info.style) {
    for (const [name, value] of Object.entries(style.paint ?? {})) {
      const match = name.endsWith("-color") ? findMatch(value) : null;
      if (!match) continue;
      const field = (match[1] as [string, string])[1];
      const byColour = new Map<string, string[]>();
      for (let i = 2; i + 1 < match.length; i += 2) {
        const [codes, colour] = [[match[i]].flat(), String(match[i + 1])];
        if (!colours.has(colour)) continue;
        byColour.set(colour, [...(byColour.get(colour) ?? []), ...codes.map(String)]);
      }
      if (byColour.size > 1) return { field, byColour };
    }
  }
  return null;
}

/** Return a filter that leaves codes out. */
export function notOf(field: string, codes: readonly string[]): ExpressionSpecification {
  const code: ExpressionSpecification = ["to-string", ["coalesce", ["get", field], ""]];
  return ["!", ["in", code, ["literal", [...codes]]]];
}
