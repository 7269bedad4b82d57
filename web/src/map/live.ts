/** Layers whose values are live: asked for again when the service tells of a change (`news.ts`),
 * every half minute should it not, and when the page wakes. */

import { allItems } from "../api";
import type { Item } from "../contract";
import { Signal } from "../signal";
import { asOf, then } from "./asof";
import type { CityLayers } from "./citylayers";

export const POLL_MS = 30_000;
const LAYER = "waterlogging_point";

export class LiveWater {
  readonly points = new Signal<Item[]>([]);
  /** When the page last heard from the service, ms since 1970; 0 before the first answer. */
  readonly heardAt = new Signal(0);
  readonly #layers: CityLayers;
  #asking = false;

  constructor(layers: CityLayers) {
    this.#layers = layers;
    if (!layers.info(LAYER)) return;
    asOf.onChange(() => void this.refresh().catch(() => undefined));
    window.setInterval(() => {
      if (!document.hidden) this.refresh().catch(() => undefined);
    }, POLL_MS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh().catch(() => undefined);
    });
  }

  async refresh(): Promise<void> {
    if (this.#asking || !this.#layers.info(LAYER)) return;
    this.#asking = true;
    const moment = asOf.value;
    try {
      const points = await allItems(then(`/collections/${LAYER}/items?limit=1000`));
      this.#layers.setLive(LAYER, points);
      this.heardAt.set(Date.now());
      this.points.set(points);
    } finally {
      this.#asking = false;
    }
    // Another moment was chosen meanwhile.
    if (moment !== asOf.value) await this.refresh();
  }
}
