"""One duty officer's story on the demo city, from the first look to the engines on the road."""

import json
import re
from typing import Any
from urllib.request import Request, urlopen

import pytest
import shapely
from playwright.sync_api import expect

from tests.web.conftest import TABLET, Opener, Visit

pytestmark = pytest.mark.browser


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def get(url: str) -> Any:
    with urlopen(url, timeout=60) as answer:
        return json.load(answer)


def execute(city: str, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Ask the service as any other client would."""
    body = json.dumps({"inputs": inputs}).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{city}/processes/{process}/execution"
    with urlopen(Request(url, body, headers), timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def gas_main_among_people(city: str) -> shapely.Geometry:
    """Return a gas pipe whose rupture reaches people, the strongest first."""
    items = get(f"{city}/collections/pipe_segment/items?kind=gas&limit=10000")["features"]
    items = [item for item in items if item["properties"]["pressure_pa"]]
    items.sort(key=lambda item: (-item["properties"]["pressure_pa"], item["id"]))
    for item in items[:: max(1, len(items) // 40)]:
        inputs = {"pipe_id": item["id"], "model": "gas-pipe", "limit": 1}
        if execute(city, "impact-radius", inputs)["totals"]["residents_night"] > 0:
            return shapely.from_geojson(json.dumps(item["geometry"]))
    raise AssertionError("no gas pipe of the demo city reaches anybody")


def only_gas(seen: Visit) -> None:
    """Leave nothing on the map but buildings and gas pipes."""
    for layer in ("pipe_node", "facility", "resource", "waterlogging_point", "road_edge"):
        seen.page.click(f'label[for="show-{layer}"]')
    legend = seen.page.locator('[data-legend="pipe_segment"] button')
    for entry in legend.all():
        if entry.inner_text().strip() != "燃气":
            entry.click()


def test_from_the_first_look_to_the_engines_on_the_road(visit: Opener, city: str) -> None:
    seen = visit(city)
    seen.ready()
    page = seen.page

    # The whole city: every layer of the catalogue is listed with its count, the water is told.
    catalogue = {layer["id"]: layer for layer in get(f"{city}/layers")}
    for name in ("building", "pipe_segment", "waterlogging_point", "resource"):
        assert number(page.inner_text(f'[data-count="{name}"]')) == catalogue[name]["count"] > 0
    assert page.locator(".chip").count() > 0
    seen.shot("1-city")

    # A building's file is what the service says.
    house = get(f"{city}/collections/building/items?limit=1")["features"][0]
    inside = shapely.from_geojson(json.dumps(house["geometry"])).representative_point()
    seen.go_to(inside.x, inside.y, 18)
    page.mouse.click(*seen.on_screen(inside.x, inside.y))
    expect(page.locator("#file-title")).to_have_text(house["properties"]["name"])
    night = page.inner_text('[data-field="residents_night"] td')
    assert number(night) == house["properties"]["residents_night"]
    seen.shot("2-building")

    # A gas main bursts.
    main = gas_main_among_people(city)
    page.click("#tab-layers")
    only_gas(seen)
    middle = main.interpolate(0.5, normalized=True)
    seen.go_to(middle.x, middle.y, 18)
    page.click("#tab-impact")
    page.click("#pick-pipe")
    with page.expect_response(re.compile(r"/pipe_segment/items/\d+$")) as answered:
        page.mouse.click(*seen.on_screen(middle.x, middle.y))
    pipe = answered.value.json()
    assert pipe["properties"]["kind"] == "gas"
    expect(page.locator("#model-gas")).to_be_checked()
    page.click("#run-impact")
    page.wait_for_selector("#impact-answer")
    told = execute(city, "impact-radius", {"pipe_id": pipe["id"], "model": "gas-pipe"})
    assert told["totals"]["residents_night"] > 0
    for name, key in (
        ("residents-night", "residents_night"),
        ("residents-day", "residents_day"),
        ("buildings", "buildings"),
        ("cells", "grid_cells"),
    ):
        assert number(page.inner_text(f"#total-{name}")) == told["totals"][key]
    assert page.locator("#rings li").count() == len(told["rings"])
    assert told["model"]["standard"] in page.inner_text("#impact-answer")
    page.click("#tab-layers")
    page.click('label[for="show-road_edge"]')
    page.click('label[for="show-resource"]')
    page.click("#tab-impact")
    seen.ready()
    seen.shot("3-impact")

    # Two engines and a pump are sent, past the flooded streets.
    page.click("#impact-dispatch")
    with page.expect_response("**/resource-routing/execution") as answered:
        page.click("#run-dispatch")
    page.wait_for_selector("#dispatch-answer")
    asked = answered.value.request.post_data_json["inputs"]
    assert asked["needs"] == [
        {"kind": "fire_engine", "count": 2},
        {"kind": "pump_truck", "count": 1},
    ]
    sent = execute(city, "resource-routing", asked)["assigned"]
    assert len(sent) == 3
    times = page.eval_on_selector_all(
        "#assigned [data-seconds]", "all => all.map((e) => Number(e.dataset.seconds))"
    )
    lengths = page.eval_on_selector_all(
        "#assigned [data-metres]", "all => all.map((e) => Number(e.dataset.metres))"
    )
    assert times == pytest.approx([one["travel_time_s"] for one in sent], rel=1e-9)
    assert lengths == pytest.approx([one["length_m"] for one in sent], rel=1e-9)
    seen.ready()
    assert seen.drawn("routes", "route") == 3
    seen.shot("4-dispatch")

    # The same page in English, at night, in three dimensions, on a tablet.
    page.click("#tool-lang")
    expect(page.locator("#tab-dispatch")).to_contain_text("Dispatch")
    expect(page.locator("#dispatch-answer")).to_contain_text("Passed over")
    page.click("#tool-theme")
    page.click("#tool-solid")
    seen.ready()
    seen.shot("5-night")
    page.set_viewport_size(TABLET)
    seen.ready()
    panel = page.locator(".panel").bounding_box()
    assert panel is not None
    assert panel["width"] == TABLET["width"]
    assert panel["y"] > TABLET["height"] * 0.3
    seen.shot("6-tablet")
