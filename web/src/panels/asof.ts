/** A date and time as of which the city is drawn, and the word over the map that it is the past. */

import { fill, h, icon } from "../dom";
import { moment } from "../format";
import { lang, t } from "../lang";
import { asOf } from "../map/asof";

/** Return a time as the field writes it: local, without a zone. */
function local(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function asOfField(): HTMLElement {
  const field = h("input", {
    type: "datetime-local",
    id: "as-of",
    step: 1,
    max: local(new Date()),
    value: asOf.value === null ? null : local(new Date(asOf.value)),
    onchange: () => {
      const time = new Date(field.value);
      // What lies ahead is not known; the service would refuse it for each layer.
      const known = field.value !== "" && time.getTime() < Date.now();
      asOf.set(known ? time.toISOString() : null);
      if (!known) field.value = "";
    },
  });
  return h("div", { class: "as-of" }, h("label", { for: "as-of" }, t("asOf")), field);
}

/** Say over the map, as long as it shows the past, that it does: nobody is to act on it by mistake. */
export function pastBanner(root: HTMLElement): void {
  const banner = h("div", { class: "banner past", role: "status", hidden: true });
  root.append(banner);
  const draw = (): void => {
    banner.hidden = asOf.value === null;
    fill(
      banner,
      icon("warn"),
      h("span", {}, `${t("notNow")} ${moment(asOf.value)}`),
      h("button", { class: "button", id: "as-of-now", onclick: () => asOf.set(null) }, t("asOfNow")),
    );
  };
  lang.watch(draw);
  asOf.onChange(draw);
}
