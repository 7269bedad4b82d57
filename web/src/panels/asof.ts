/** A date and time as of which the city is drawn. */

import { h } from "../dom";
import { t } from "../lang";
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
      now.hidden = !known;
    },
  });
  const now = h(
    "button",
    {
      id: "as-of-now",
      hidden: asOf.value === null,
      onclick: () => {
        field.value = "";
        now.hidden = true;
        asOf.set(null);
      },
    },
    t("asOfNow"),
  );
  return h("div", { class: "as-of" }, h("label", { for: "as-of" }, t("asOf")), field, now);
}
