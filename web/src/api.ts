/** Requests to the service, and the two ways they fail. */

import type {
  City,
  DispatchAnswer,
  DispatchInputs,
  ImpactAnswer,
  ImpactInputs,
  Item,
  Items,
  LayerInfo,
  TileJson,
} from "./contract";
import { then } from "./map/asof";
import { Signal } from "./signal";

/** The service answered, and said no (application/problem+json). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }
}

/** The service did not answer. */
export class AwayError extends Error {}

/** Whether the service answered the last request. */
export const reachable = new Signal(true);

const TIMEOUT_MS = 60_000;

async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { title?: string; detail?: unknown };
    const detail = typeof body.detail === "string" ? body.detail : "";
    return new ProblemError(response.status, body.title ?? response.statusText, detail);
  } catch {
    return new ProblemError(response.status, response.statusText, "");
  }
}

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      headers: { Accept: "application/json, application/geo+json", ...init.headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    if (reachable.value) reachable.set(false);
    throw new AwayError(String(error));
  }
  // A proxy in front of a service that is down answers in its place.
  const away = [502, 503, 504].includes(response.status);
  if (away === reachable.value) reachable.set(!away);
  if (away) throw new AwayError(String(response.status));
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

function execute<T>(process: string, inputs: ImpactInputs | DispatchInputs): Promise<T> {
  return ask<T>(`/processes/${process}/execution`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ inputs }),
  });
}

export const api = {
  city: () => ask<City>("/city"),
  layers: () => ask<LayerInfo[]>("/layers"),
  tileJson: (layer: string) => ask<TileJson>(`/tiles/${layer}.json`),
  item: (layer: string, id: number | string) =>
    ask<Item>(then(`/collections/${layer}/items/${encodeURIComponent(id)}`)),
  impact: (inputs: ImpactInputs) => execute<ImpactAnswer>("impact-radius", inputs),
  dispatch: (inputs: DispatchInputs) => execute<DispatchAnswer>("resource-routing", inputs),
  health: () => ask<unknown>("/health"),
};

/** Return the path and query of a link, so that a service behind another name still works. */
function local(href: string): string {
  const url = new URL(href, location.href);
  return url.pathname + url.search;
}

/** Return the features of a layer, following `next` links up to `most` features. */
export async function allItems(path: string, most = 5000): Promise<Item[]> {
  const found: Item[] = [];
  let next: string | null = path;
  while (next !== null && found.length < most) {
    const page: Items = await ask<Items>(next);
    found.push(...page.features);
    const link: { rel: string; href: string } | undefined = page.links?.find(
      (l) => l.rel === "next",
    );
    next = link ? local(link.href) : null;
  }
  return found;
}
