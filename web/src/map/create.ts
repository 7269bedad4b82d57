/** The map itself: its frame, controls and start.  It speaks to no host but our own. */

import maplibregl from "maplibre-gl";

import type { City } from "../contract";
import type { View } from "../hash";
import { lang, t } from "../lang";
import { GROUND, theme } from "../theme";

/** Send every request of the map to the host this page came from. */
export function toOwnHost(url: string): string {
  if (url.startsWith("data:") || url.startsWith("blob:")) return url;
  const parsed = new URL(url, location.href);
  // The address template of a tile must keep its braces, which URL escapes.
  const path = (parsed.pathname + parsed.search).replaceAll("%7B", "{").replaceAll("%7D", "}");
  return location.origin + path;
}

function controlTexts(): Record<string, string> {
  return {
    "NavigationControl.ZoomIn": t("zoomIn"),
    "NavigationControl.ZoomOut": t("zoomOut"),
    "NavigationControl.ResetBearing": t("resetNorth"),
    "AttributionControl.ToggleAttribution": t("attribution"),
  };
}

/** Make the map over the city, or over the view that the address asks for. */
export function createMap(container: HTMLElement, city: City, view: View | null): maplibregl.Map {
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error(t("noWebGl"));
  const [west, south, east, north] = city.extent;
  const start: Partial<maplibregl.MapOptions> = view
    ? { center: [view.lon, view.lat], zoom: view.zoom, bearing: view.bearing, pitch: view.pitch }
    : { bounds: [west, south, east, north], fitBoundsOptions: { padding: 24 } };
  const map = new maplibregl.Map({
    container,
    style: {
      version: 8,
      sources: {},
      layers: [
        {
          id: "sea",
          type: "background",
          paint: { "background-color": GROUND[theme.value].sea },
        },
      ],
    },
    ...start,
    // A tile out of sight would be shown again as it was; the browser's own cache asks first.
    maxTileCacheSize: 0,
    maxPitch: 75,
    minZoom: 3,
    maxZoom: 21,
    attributionControl: false,
    locale: controlTexts(),
    localIdeographFontFamily: "sans-serif",
    transformRequest: (url) => ({ url: toOwnHost(url) }),
    canvasContextAttributes: { antialias: true },
    fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  });
  map.addControl(new maplibregl.NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 140, unit: "metric" }), "bottom-left");
  map.addControl(
    new maplibregl.AttributionControl({
      compact: false,
      customAttribution: attributionText(city),
    }),
    "bottom-right",
  );
  // Soft light from the south-west: walls stay readable, and their colours those of the legend.
  map.once("load", () =>
    map.setLight({ anchor: "map", position: [1.5, 210, 35], intensity: 0.22 }),
  );
  theme.onChange((now) => map.setPaintProperty("sea", "background-color", GROUND[now].sea));
  lang.onChange(() => relabel(map));
  return map;
}

function attributionText(city: City): string {
  const span = document.createElement("span");
  span.textContent = `citytwin · ${city.name} · EPSG:${city.srid} · MapLibre`;
  return span.innerHTML;
}

/** MapLibre reads its texts once, so a change of language is written onto its buttons. */
function relabel(map: maplibregl.Map): void {
  const texts: [string, string][] = [
    [".maplibregl-ctrl-zoom-in", t("zoomIn")],
    [".maplibregl-ctrl-zoom-out", t("zoomOut")],
    [".maplibregl-ctrl-compass", t("resetNorth")],
  ];
  for (const [selector, text] of texts) {
    const button = map.getContainer().querySelector(selector);
    button?.setAttribute("title", text);
    button?.setAttribute("aria-label", text);
  }
}

/** Show longitude and latitude under the cursor. */
export function showCursor(map: maplibregl.Map, box: HTMLElement): void {
  map.on("mousemove", (event) => {
    const { lng, lat } = event.lngLat.wrap();
    box.textContent = `${lng.toFixed(6)}, ${lat.toFixed(6)}`;
  });
  map.on("mouseout", () => {
    box.textContent = "";
  });
}
