/** The language of the page: chosen by ?lang=, else the address, else memory, else the browser. */

import type { Lang, Words } from "./contract";
import { Signal } from "./signal";
import { TEXTS, type TextKey } from "./texts";

const KEY = "citytwin.lang";

function isLang(value: unknown): value is Lang {
  return value === "zh" || value === "en";
}

/** Storage may be forbidden by the browser: then nothing is remembered, and nothing breaks. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function firstLang(fromHash: string | null): Lang {
  const query = new URLSearchParams(location.search).get("lang");
  for (const choice of [query, fromHash, recall(KEY)]) if (isLang(choice)) return choice;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const lang = new Signal<Lang>("zh");

export function setLang(value: Lang): void {
  remember(KEY, value);
  document.documentElement.lang = value === "zh" ? "zh-CN" : "en";
  lang.set(value);
}

/** Return a text of the page; `{name}` is replaced by the value of that name. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return TEXTS[key][lang.value].replace(/\{(\w+)\}/g, (_, name: string) =>
    String(values[name] ?? ""),
  );
}

/** Return the words in the language of the page, else in the other one. */
export function say(words: Words | string | null | undefined): string {
  if (words === null || words === undefined) return "";
  if (typeof words === "string") return words;
  return words[lang.value] || words.zh || words.en || "";
}
