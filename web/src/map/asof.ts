/** The moment as of which the map is drawn: what was known then, or null for now. */

import { Signal } from "../signal";

export const asOf = new Signal<string | null>(null);

/** Return an address with the moment, if one is chosen. */
export function then(path: string): string {
  if (asOf.value === null) return path;
  return `${path}${path.includes("?") ? "&" : "?"}asOf=${encodeURIComponent(asOf.value)}`;
}
