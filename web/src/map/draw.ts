/** Drawing one polygon by clicks or taps: no gesture that a gloved finger cannot do. */

import type { Feature, Polygon, Position } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";

import { t } from "../lang";
import { feature, setFeatures } from "./overlay";
import type { Selection } from "./selection";

const SOURCE = "draw";
const COLOUR = "#e11d2e";

function addStyle(map: MapLibre): void {
  if (map.getLayer("draw:fill")) return;
  setFeatures(map, SOURCE, []);
  map.addLayer({
    id: "draw:fill",
    type: "fill",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": COLOUR, "fill-opacity": 0.2 },
  });
  map.addLayer({
    id: "draw:line",
    type: "line",
    source: SOURCE,
    paint: { "line-color": COLOUR, "line-width": 3, "line-dasharray": [2, 1.5] },
  });
  map.addLayer({
    id: "draw:point",
    type: "circle",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "Point"],
    paint: {
      "circle-radius": 7,
      "circle-color": "#ffffff",
      "circle-stroke-color": COLOUR,
      "circle-stroke-width": 3,
    },
  });
}

export interface Drawing {
  finish: () => void;
  cancel: () => void;
}

/** Let the user draw one polygon; `done` gets it, or null when it was given up. */
export function drawPolygon(
  map: MapLibre,
  selection: Selection,
  done: (polygon: Polygon | null) => void,
): Drawing {
  addStyle(map);
  const corners: Position[] = [];
  const show = (): void => {
    const features: Feature[] = corners.map((c) => feature({ type: "Point", coordinates: c }));
    const [first] = corners;
    if (corners.length > 2 && first)
      features.push(feature({ type: "Polygon", coordinates: [[...corners, first]] }));
    else if (corners.length > 1)
      features.push(feature({ type: "LineString", coordinates: corners }));
    setFeatures(map, SOURCE, features);
  };
  const end = (polygon: Polygon | null): void => {
    map.doubleClickZoom.enable();
    setFeatures(map, SOURCE, []);
    done(polygon);
  };
  const cancel = (): void => selection.cancel();
  const finish = (): void => {
    const [first] = corners;
    if (corners.length < 3 || !first) return;
    selection.mode.set(null);
    end({ type: "Polygon", coordinates: [[...corners, first]] });
  };
  map.doubleClickZoom.disable();
  selection.mode.set({
    text: t("drawHint"),
    only: null,
    take: ({ lon, lat }) => {
      const near = (corner: Position | undefined): boolean => {
        if (!corner) return false;
        const a = map.project([corner[0] ?? 0, corner[1] ?? 0]);
        const b = map.project([lon, lat]);
        return Math.hypot(a.x - b.x, a.y - b.y) < 16;
      };
      // A tap on the first corner closes it; one on the last is the second half of a double tap.
      if (corners.length > 2 && (near(corners[0]) || near(corners.at(-1)))) return finish();
      if (!near(corners.at(-1))) corners.push([lon, lat]);
      show();
    },
    cancel: () => end(null),
  });
  return { finish, cancel };
}
