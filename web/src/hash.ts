/** What the address remembers, so that a view can be sent to a colleague. */

export interface View {
  zoom: number;
  lat: number;
  lon: number;
  bearing: number;
  pitch: number;
}

export interface Shared {
  view: View | null;
  layers: string[] | null;
  lang: string | null;
  theme: string | null;
}

function readView(text: string | null): View | null {
  if (text === null) return null;
  const parts = text.split("/").map(Number);
  const [zoom, lat, lon, bearing = 0, pitch = 0] = parts;
  if (zoom === undefined || lat === undefined || lon === undefined) return null;
  if (parts.some((part) => !Number.isFinite(part))) return null;
  if (Math.abs(lat) > 85 || Math.abs(lon) > 180 || zoom < 0 || zoom > 24) return null;
  return { zoom, lat, lon, bearing, pitch };
}

export function readHash(hash = location.hash): Shared {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const layers = values.get("layers");
  return {
    view: readView(values.get("map")),
    layers: layers === null ? null : layers.split(",").filter(Boolean),
    lang: values.get("lang"),
    theme: values.get("theme"),
  };
}

export function writeHash(shared: Shared): void {
  const parts: string[] = [];
  if (shared.view) {
    const { zoom, lat, lon, bearing, pitch } = shared.view;
    const numbers = [zoom.toFixed(2), lat.toFixed(5), lon.toFixed(5)];
    if (bearing || pitch) numbers.push(bearing.toFixed(0), pitch.toFixed(0));
    parts.push(`map=${numbers.join("/")}`);
  }
  if (shared.layers) parts.push(`layers=${shared.layers.map(encodeURIComponent).join(",")}`);
  if (shared.lang) parts.push(`lang=${shared.lang}`);
  if (shared.theme) parts.push(`theme=${shared.theme}`);
  // replaceState: panning must not fill the back button.
  history.replaceState(null, "", `${location.pathname}${location.search}#${parts.join("&")}`);
}
