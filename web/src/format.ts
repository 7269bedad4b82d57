/** Numbers as people on duty read them.  The service speaks SI; scales change only here. */

import { lang, t } from "./lang";

export const NOTHING = "—";

function locale(): string {
  return lang.value === "zh" ? "zh-CN" : "en-GB";
}

/** Return a whole number with thousands separators. */
export function whole(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  return Math.round(value).toLocaleString(locale());
}

/** Return a number with at most `digits` decimals. */
export function decimal(value: number, digits = 2): string {
  return value.toLocaleString(locale(), { maximumFractionDigits: digits });
}

/** Return a length: metres below one kilometre, then kilometres. */
export function metres(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (value >= 1000) return `${decimal(value / 1000, value >= 10_000 ? 1 : 2)} km`;
  return `${decimal(value, value < 10 ? 1 : 0)} m`;
}

/** Return a travel time in minutes and seconds. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return NOTHING;
  const rounded = Math.round(seconds);
  const minutes = Math.floor(rounded / 60);
  if (minutes === 0) return t("seconds", { s: rounded });
  const rest = String(rounded % 60).padStart(2, "0");
  return t("minutesSeconds", { m: minutes, s: rest });
}

/** Return a depth of water, to the centimetre. */
export function depth(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  return `${value.toFixed(2)} m`;
}

/** Return a share as per cent. */
export function share(value: number): string {
  const percent = value * 100;
  if (percent > 0 && percent < 1) return "<1 %";
  return `${decimal(percent, 0)} %`;
}

/** Return a moment of this city's clock as the browser knows it. */
export function moment(value: unknown): string {
  const date = new Date(String(value));
  if (Number.isNaN(date.getTime())) return String(value);
  return date.toLocaleString(locale(), {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

/** Return only hour and minute, and the date too when it is not today. */
export function clock(value: unknown): string {
  const date = new Date(String(value));
  if (Number.isNaN(date.getTime())) return NOTHING;
  const today = new Date().toDateString() === date.toDateString();
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (!today) Object.assign(options, { month: "2-digit", day: "2-digit" });
  return date.toLocaleString(locale(), options);
}

/** Return a quantity with its unit, in the scale it is usually read in. */
export function quantity(value: number, unit: string | null): string {
  switch (unit) {
    case "Pa":
      if (Math.abs(value) >= 100_000) return `${decimal(value / 1e6, 3)} MPa`;
      return `${decimal(value / 1e3, 2)} kPa`;
    case "m/s":
      return `${decimal(value * 3.6, 0)} km/h`;
    case "V":
      return value >= 1000 ? `${decimal(value / 1000, 1)} kV` : `${decimal(value)} V`;
    case "persons":
      return t("persons", { n: whole(value) });
    case null:
    case "":
      // Years and codes take no thousands separator.
      return Number.isInteger(value) && value < 10_000 ? String(value) : decimal(value, 3);
    default:
      return `${decimal(value, 3)} ${unit}`;
  }
}
