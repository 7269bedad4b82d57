/** Pictograms of facilities and teams, drawn at run time: no sprite is fetched. */

import type { Map as MapLibre } from "maplibre-gl";

/** Paths on a field of 24 × 24, white on the circle that the catalogue colours. */
const PATHS: Record<string, string> = {
  hospital: "M9.5 4h5v5.5H20v5h-5.5V20h-5v-5.5H4v-5h5.5z",
  clinic: "M10.2 6h3.6v4.2H18v3.6h-4.2V18h-3.6v-4.2H6v-3.6h4.2z",
  fire_station:
    "M12.5 2c.6 3.6 5.9 6.2 5.9 12A6.4 6.4 0 0 1 12 21a6.4 6.4 0 0 1-6.4-6.6c0-2.8 1.5-4.4 2.6-6.2.4 1.5 1 2.3 2 2.9C9.9 8 10.5 4.6 12.5 2z",
  shelter: "M12 3 2.5 11.5h3V21h4.8v-6h3.4v6h4.8v-9.5h3z",
  police: "M12 2.5 20 5v6.5c0 5-3.4 8.4-8 10-4.6-1.6-8-5-8-10V5z",
  school: "M12 4 1.5 9 12 14l8-3.8V17h2V9zM6 13v4c1.5 1.6 3.6 2.4 6 2.4s4.5-.8 6-2.4v-4l-6 2.9z",
  kindergarten: "M12 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM5 21c0-5 2.5-8.5 7-8.5S19 16 19 21z",
  nursing_home:
    "M12 20.5C5 15.5 3 12 3 8.8A4.8 4.8 0 0 1 12 6.4a4.8 4.8 0 0 1 9 2.4c0 3.2-2 6.7-9 11.7z",
  pumping_station: "M12 2.5S5.5 10.3 5.5 15a6.5 6.5 0 0 0 13 0C18.5 10.3 12 2.5 12 2.5z",
  substation: "M14 2 5 13.5h5.5L9.5 22 19 10h-6z",
  gas_station:
    "M5 3h9v8h1.5a2 2 0 0 1 2 2v4h1V9l-2-2 1.2-1.2L20.5 8.5V19h-4.5v-6H14v8H5zm2 2v5h5V5z",
  fire_engine:
    "M2 7h12v9H2zm13 2.5h4l3 3.5v3h-7zM6 15a2.6 2.6 0 1 0 0 5.2A2.6 2.6 0 0 0 6 15zm12 0a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2z",
  pump_truck: "M8 4s-4 4.6-4 7.4a4 4 0 0 0 8 0C12 8.6 8 4 8 4zm6 5.5h4.5l3.5 4V17H14zM2 17h20v2H2z",
  ambulance:
    "M2 7h12v9H2zm4.8 1.5v2h-2v2h2v2h2v-2h2v-2h-2v-2zM15 9.5h4l3 3.5v3h-7zM6 16.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm12 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  crew: "M8 4a3.2 3.2 0 1 1 0 6.4A3.2 3.2 0 0 1 8 4zm8 0a3.2 3.2 0 1 1 0 6.4A3.2 3.2 0 0 1 16 4zM2 19c0-4 2.2-7 6-7 1.7 0 3 .6 4 1.6 1-1 2.3-1.6 4-1.6 3.8 0 6 3 6 7z",
  boat: "M11 3h2v3l6 8h3l-3.5 6h-13L2 14h9z",
};

/** The kinds that have a pictogram. */
export const PICTURED = Object.keys(PATHS);

const SIZE = 44;

/** Add the pictograms as images `kind-…`, made of white on nothing. */
export function addIcons(map: MapLibre): void {
  for (const [kind, path] of Object.entries(PATHS)) {
    const canvas = document.createElement("canvas");
    canvas.width = SIZE;
    canvas.height = SIZE;
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.scale(SIZE / 24, SIZE / 24);
    pen.fillStyle = "#ffffff";
    pen.fill(new Path2D(path), "evenodd");
    const image = pen.getImageData(0, 0, SIZE, SIZE);
    map.addImage(`kind-${kind}`, image, { pixelRatio: SIZE / 16 });
  }
}
