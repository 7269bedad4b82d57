/** Words for the codes in the city's tables, as the catalogue of layers gives them. */

import type { LayerInfo, Words } from "./contract";
import { say } from "./lang";

const words = new Map<string, Words>();

/** Take the words of every coded field, by `layer.field.code`. */
export function learnCodes(layers: LayerInfo[]): void {
  for (const layer of layers)
    for (const field of layer.fields)
      for (const [code, said] of Object.entries(field.codes ?? {}))
        words.set(`${layer.id}.${field.name}.${code}`, said);
}

/** Say a code of a field in the language of the page; one without words is only made readable. */
export function sayCode(field: string, code: string | null | undefined): string {
  if (!code) return "—";
  const known = words.get(`${field}.${code}`);
  return known ? say(known) : code.replaceAll("_", " ");
}
