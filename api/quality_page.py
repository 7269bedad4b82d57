"""The page on the quality of the data: what its template is told."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from layers import Words, layers
from layers.catalogue.quality_finding import SEVERITIES

STANDINGS = {
    "verified": Words("已核对原文", "its source was read"),
    "unverified": Words("未核对原文 [m]", "quoted from memory [m]"),
    "own": Words("自定", "ours"),
}


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a document on quality."""
    run, known = found["run"], {rule["id"]: rule for rule in found["rules"]}
    present = defaultdict(list)
    for each in found["present"]:
        present[each["rule"]].append(each)
    values = {
        "run": run,
        "summary": found["summary"],
        "present": present,
        "runs": [(each, what(each)) for each in found["runs"]],
        "rules": found["rules"],
        "obligations": found["obligations"],
        "severities": SEVERITIES,
        "standings": STANDINGS,
        "layers": layers(),
    }
    if run is not None:
        asked = [(known[name], each) for name, each in run["rules"].items() if name in known]
        values |= {
            "what": what(run),
            "asked": sorted(asked, key=lambda pair: _weight(pair[1])),
            "fields": list(_fields(run["completeness"])),
        }
    return values


def what(run: Mapping[str, Any]) -> Words:
    """Return what a run looked at, in words.

    >>> what({"scope": "load", "layer": "building", "load_id": 7}).en
    'load 7 (building)'
    """
    match run["scope"]:
        case "load":
            return Words(
                f"第 {run['load_id']} 次入库（{run['layer']}）",
                f"load {run['load_id']} ({run['layer']})",
            )
        case "layer":
            return Words(f"图层 {run['layer']}", f"layer {run['layer']}")
    return Words("整个城市", "the whole city")


def _weight(told: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what rules are sorted by: those that failed, then by severity and number."""
    severe = list(SEVERITIES).index(told["severity"])
    found = told.get("found", 0)
    return ("failed" not in told, found == 0, severe, -found)


def _fields(completeness: Mapping[str, Any]) -> Any:
    for name, table in completeness.items():
        layer = layers()[name]
        if not table["rows"]:
            continue
        for field, each in table["fields"].items():
            known = layer.by_name.get(field)
            yield layer, field, Words(field, field) if known is None else known.title, each
