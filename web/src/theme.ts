/** Light and dark, and how a colour of the catalogue looks at night. */

import { recall, remember } from "./lang";
import { Signal } from "./signal";

export type Theme = "light" | "dark";
const KEY = "citytwin.theme";

export const theme = new Signal<Theme>("light");

export function firstTheme(fromHash: string | null): Theme {
  for (const choice of [fromHash, recall(KEY)])
    if (choice === "light" || choice === "dark") return choice;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function setTheme(value: Theme): void {
  remember(KEY, value);
  document.documentElement.dataset.theme = value;
  theme.set(value);
}

/** Colours of the map that no layer owns. */
export const GROUND = {
  light: {
    sea: "#c9dcea",
    text: "#1b2733",
    faint: "#56687a",
    halo: "#ffffff",
    hit: "#c2185b",
    pick: "#0b5cad",
  },
  dark: {
    sea: "#0a1622",
    text: "#e6edf3",
    faint: "#9db0c2",
    halo: "#0a1622",
    hit: "#ff5c93",
    pick: "#58b4ff",
  },
} as const;

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Return red, green, blue and alpha of a CSS colour, all 0..1, or null without a canvas. */
function channels(colour: string): [number, number, number, number] | null {
  if (!probe) return null;
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0, a = 255] = probe.getImageData(0, 0, 1, 1).data;
  return [r / 255, g / 255, b / 255, a / 255];
}

function hueOf(r: number, g: number, b: number, spread: number, max: number): number {
  if (spread === 0) return 0;
  if (max === r) return ((g - b) / spread + 6) % 6;
  return max === g ? (b - r) / spread + 2 : (r - g) / spread + 4;
}

/** Turn a light colour into its night version: hue kept, strength reduced, lightness turned over. */
function atNight(colour: string, isLine: boolean): string {
  const rgba = channels(colour);
  if (!rgba) return colour;
  const [r, g, b, alpha] = rgba;
  const max = Math.max(r, g, b);
  const light = (max + Math.min(r, g, b)) / 2;
  const spread = max - Math.min(r, g, b);
  const strength = spread === 0 ? 0 : spread / (1 - Math.abs(2 * light - 1));
  // Ground darkens as it was light; lines do not, or white roads would sink into it.
  const night = isLine ? 0.16 + 0.18 * light : Math.max(0.08, 0.72 - 0.63 * light);
  const hue = hueOf(r, g, b, spread, max) * 60;
  const [h, s, l] = [hue, strength * (light > 0.88 ? 10 : 38), night * 100].map(Math.round);
  return `hsla(${h}, ${s}%, ${l}%, ${alpha})`;
}

/** Make white rims dark inside a style value, and leave every other colour as it is. */
export function haloAtNight(value: unknown): unknown {
  if (value === "#ffffff") return GROUND.dark.halo;
  return Array.isArray(value) ? value.map(haloAtNight) : value;
}

/** Apply the night to every colour inside a style value: a text, or an expression. */
export function valueAtNight(value: unknown, isLine: boolean): unknown {
  // Only notations, never names: "red" in an expression is the name of a level, not a colour.
  if (typeof value === "string") return /^(#|rgb|hsl)/.test(value) ? atNight(value, isLine) : value;
  if (Array.isArray(value)) return value.map((part) => valueAtNight(part, isLine));
  return value;
}
