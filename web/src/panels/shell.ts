/** The frame of the page: top bar, tabs, the panel that becomes a sheet on narrow screens. */

import { fill, h, icon } from "../dom";
import { lang, setLang, t } from "../lang";
import { Signal } from "../signal";
import type { TextKey } from "../texts";
import { setTheme, theme } from "../theme";

export type Tab = "layers" | "water" | "file" | "impact" | "dispatch";
const TABS: Tab[] = ["layers", "water", "file", "impact", "dispatch"];

export class Shell {
  readonly tab = new Signal<Tab>("layers");
  readonly open = new Signal(true);
  readonly mapBox = h("div", { class: "map", id: "map" });
  readonly chips = h("div", { class: "chips" });
  readonly cursor = h("div", { class: "cursor", "aria-hidden": "true" });
  readonly hint = h("div", { class: "hint", role: "status", hidden: true });
  readonly #panes: Record<Tab, HTMLElement>;
  readonly #tools = h("div", { class: "tools" });
  readonly #title = h("h1", {});
  readonly #tabs = h("div", { class: "tabs", role: "tablist" });
  readonly #root: HTMLElement;

  constructor(root: HTMLElement, cityName: string, tools: Tools) {
    this.#root = root;
    this.#panes = Object.fromEntries(
      TABS.map((tab) => [
        tab,
        h("section", { class: "pane", role: "tabpanel", id: `pane-${tab}`, tabindex: "-1" }),
      ]),
    ) as Record<Tab, HTMLElement>;
    const panel = h("aside", { class: "panel" }, this.#tabs);
    const body = h("div", { class: "panes" }, ...Object.values(this.#panes));
    panel.append(body);
    const bar = h("header", { class: "bar" }, h("span", { class: "mark" }, icon("city")));
    bar.append(this.#title, this.chips, this.#tools);
    fill(root, this.mapBox, bar, panel, this.hint, this.cursor);
    this.#title.textContent = cityName;
    lang.watch(() => {
      document.title = `${cityName} · ${t("appName")}`;
      this.#drawTools(tools);
      this.#drawTabs();
    });
    theme.onChange(() => this.#drawTools(tools));
    tools.solid.onChange(() => this.#drawTools(tools));
    this.tab.watch(() => this.#select());
    this.open.watch(() => this.#select());
  }

  pane(tab: Tab): HTMLElement {
    return this.#panes[tab];
  }

  /** Open a tab, also when the sheet was folded away. */
  show(tab: Tab): void {
    this.tab.set(tab);
    this.open.set(true);
    this.#panes[tab].scrollTop = 0;
  }

  #drawTabs(): void {
    const buttons = TABS.map((tab) =>
      h(
        "button",
        {
          role: "tab",
          id: `tab-${tab}`,
          "aria-controls": `pane-${tab}`,
          onclick: () => {
            const again = this.tab.value === tab;
            this.open.set(!(again && this.open.value));
            this.tab.set(tab);
          },
        },
        icon(tab),
        h("span", {}, t(`tab_${tab}`)),
      ),
    );
    fill(this.#tabs, ...buttons);
    this.#select();
  }

  #select(): void {
    this.#root.classList.toggle("folded", !this.open.value);
    for (const tab of TABS) {
      const chosen = tab === this.tab.value;
      this.#panes[tab].hidden = !chosen;
      const button = this.#tabs.querySelector(`#tab-${tab}`);
      button?.setAttribute("aria-selected", String(chosen && this.open.value));
    }
  }

  #drawTools(tools: Tools): void {
    const tool = (id: string, key: TextKey, content: Node | string, act: () => void) =>
      h(
        "button",
        { class: "tool", id, title: t(key), "aria-label": t(key), onclick: act },
        content,
      );
    fill(
      this.#tools,
      tool("tool-home", "wholeCity", icon("home"), tools.home),
      tool("tool-refresh", "refresh", icon("refresh"), tools.refresh),
      tool("tool-solid", "solid", tools.solid.value ? "2D" : "3D", () =>
        tools.solid.set(!tools.solid.value),
      ),
      tool("tool-theme", "theme", icon("moon"), () =>
        setTheme(theme.value === "dark" ? "light" : "dark"),
      ),
      tool("tool-lang", "otherLang", lang.value === "zh" ? "EN" : "中文", () =>
        setLang(lang.value === "zh" ? "en" : "zh"),
      ),
    );
  }
}

export interface Tools {
  home: () => void;
  refresh: () => void;
  solid: Signal<boolean>;
}
