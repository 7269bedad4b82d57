/** What went wrong, in words: a banner while the service is away, and notes that pass. */

import { AwayError, ProblemError, api, reachable } from "../api";
import { fill, h, icon } from "../dom";
import { lang, t } from "../lang";

const STAY_MS = 9000;
const RETRY_MS = 5000;

const notes = h("div", { class: "notes", role: "alert" });

/** Return what to tell the user about an error. */
export function explain(error: unknown): string {
  if (error instanceof ProblemError) {
    const words = error.detail || error.title;
    return t("refused", { words, status: error.status });
  }
  if (error instanceof AwayError) return t("away");
  return t("broken", { words: error instanceof Error ? error.message : String(error) });
}

/** Show a note for a while; errors stay until they are closed. */
export function note(text: string, kind: "info" | "error" = "info"): void {
  const box = h("div", { class: `note ${kind}` }, kind === "error" ? icon("warn") : null, text);
  const close = h(
    "button",
    { class: "tool", "aria-label": t("close"), onclick: () => box.remove() },
    icon("close"),
  );
  box.append(close);
  notes.append(box);
  if (kind === "info") window.setTimeout(() => box.remove(), STAY_MS);
  while (notes.children.length > 3) notes.firstElementChild?.remove();
}

export function noteError(error: unknown): void {
  // While the service is away the banner says so; a note for each request would bury the map.
  if (error instanceof AwayError) return;
  note(explain(error), "error");
}

/** Return an error as a box inside a panel. */
export function errorBox(error: unknown): HTMLElement {
  return h("div", { class: "note error inline", role: "alert" }, icon("warn"), explain(error));
}

/** Show the banner while the service is away, and ask again until it is back. */
export function watchService(root: HTMLElement, back: () => void): void {
  const banner = h("div", { class: "banner", role: "alert", hidden: true });
  root.append(banner, notes);
  let timer = 0;
  let wasAway = false;
  const again = (): void => {
    // The answer itself tells, by `reachable`; a refused health check is an answer too.
    api.health().catch(() => undefined);
  };
  const draw = (): void => {
    fill(
      banner,
      icon("warn"),
      h("span", {}, t("away")),
      h("button", { class: "button", id: "retry", onclick: again }, t("retry")),
    );
  };
  lang.watch(draw);
  reachable.watch((there) => {
    banner.hidden = there;
    window.clearInterval(timer);
    if (!there) timer = window.setInterval(again, RETRY_MS);
    else if (wasAway) back();
    wasAway = !there;
  });
}

/** Fill the page with why it could not start; the button tries again. */
export function startFailed(root: HTMLElement, error: unknown, again: () => void): void {
  fill(
    root,
    h(
      "div",
      { class: "start", role: "alert" },
      h("h1", {}, t("appName")),
      h("p", {}, explain(error)),
      h("button", { class: "button primary", id: "retry", onclick: again }, t("retry")),
    ),
  );
}

export function starting(root: HTMLElement): void {
  fill(
    root,
    h("div", { class: "start" }, h("div", { class: "spinner" }), h("p", {}, t("loading"))),
  );
}
