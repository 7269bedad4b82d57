"""The map on the tiny town: what people read on it is what the town is known to answer."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from sample_data import tiny_town
from tests.web.conftest import TABLET, Opener, Visit
from twin.crs import LONLAT, reproject

pytestmark = pytest.mark.browser


def place(x_m: float, y_m: float) -> tuple[float, float]:
    """Return longitude and latitude of a place of the town."""
    moved = reproject(np.array([tiny_town.at(x_m, y_m)], dtype=object), "EPSG:4548", LONLAT)[0]
    return moved.x, moved.y


GAS_MAIN = place(150, 198)
CROSSING = place(100, 100)


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def total(seen: Visit, name: str) -> int:
    return number(seen.page.inner_text(f"#total-{name}"))


def pick_gas_main(seen: Visit) -> dict[str, Any]:
    """Click on the gas main, and return its file as the service gave it."""
    seen.go_to(*GAS_MAIN, 18)
    with seen.page.expect_response(re.compile(r"/collections/pipe_segment/items/\d+$")) as answered:
        seen.page.mouse.click(*seen.on_screen(*GAS_MAIN))
    item: dict[str, Any] = answered.value.json()
    return item


def test_a_click_shows_the_file_of_the_pipe_with_units(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    item = pick_gas_main(seen)
    assert item["properties"]["kind"] == "gas"
    seen.page.wait_for_selector('[data-field="pressure_pa"]')
    assert "4 MPa" in seen.page.inner_text('[data-field="pressure_pa"]')
    assert "燃气" in seen.page.inner_text('[data-field="kind"]')
    assert "0.5 m" in seen.page.inner_text('[data-field="width_m"]')
    assert seen.page.get_attribute("#tab-file", "aria-selected") == "true"


def test_the_file_of_the_pipe_leads_to_all_that_is_known_of_it(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    item = pick_gas_main(seen)
    with seen.page.expect_popup() as opened:
        seen.page.click("#file-page")
    page = opened.value
    page.wait_for_load_state()
    assert page.url.endswith(f"/collections/pipe_segment/items/{item['id']}/file?f=html")
    assert "高压燃气干管" in page.inner_text("h1")
    assert "4,000,000 Pa" in page.inner_text("#attributes")
    # Nothing is wider than a telephone but what scrolls in its own frame.
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def test_the_burst_of_the_gas_main_reaches_whom_the_town_knows(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    pick_gas_main(seen)
    seen.page.click("#act-impact")
    assert seen.page.is_checked("#model-gas")
    seen.page.click("#run-impact")
    seen.page.wait_for_selector("#impact-answer")
    # 99.72 m is the potential impact radius: buildings 7 to 12.  The 4 kW/m² ring reaches all.
    rings = seen.page.locator("#rings li").all_inner_texts()
    assert "100 m" in rings[1]
    assert "4,032" in rings[1]
    assert total(seen, "residents-night") == 4095
    assert total(seen, "residents-day") == 780
    assert "49 CFR 192.903" in seen.page.inner_text("#impact-answer")
    seen.ready()
    assert seen.drawn("impact", "ring") == 4


def test_a_pressure_given_by_hand_is_used_and_flagged_where_the_model_ends(
    town_of_unknown_pressure: str, visit: Opener
) -> None:
    # In this order: the page, which listens to news, is closed before its service ends.
    seen = visit(town_of_unknown_pressure)
    seen.ready()
    pick_gas_main(seen)
    seen.page.click("#act-impact")
    seen.page.fill("#gas-pressure", "0.2")
    with seen.page.expect_request("**/execution") as asked:
        seen.page.click("#run-impact")
    assert asked.value.post_data_json["inputs"]["pressure_pa"] == pytest.approx(200_000)
    # Below 0.4 MPa it is a distribution pipe; the warning stands above the figures.
    warning = seen.page.locator("#impact-answer > :first-child")
    expect(warning).to_have_attribute("id", "validity")
    expect(warning).to_contain_text("0.2 MPa")


def test_the_radius_in_the_box_is_the_radius_that_is_asked(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.go_to(*CROSSING, 17)
    seen.page.click("#tab-impact")
    seen.page.click("#pick-point")
    seen.page.mouse.click(*seen.on_screen(*CROSSING))
    seen.page.fill("#radius", "400")
    with seen.page.expect_request("**/execution") as asked:
        seen.page.click("#run-impact")
    assert asked.value.post_data_json["inputs"]["radius_m"] == 400
    seen.page.wait_for_selector("#impact-answer")
    assert total(seen, "buildings") == 12
    assert total(seen, "residents-night") == 4095
    # A list is sorted by its head: most people at night first, which is building 12.
    seen.page.click("#list-buildings th:nth-child(3) button")
    first = seen.page.inner_text("#list-buildings tbody tr:first-child")
    assert "12号楼" in first
    assert "2,048" in first
    seen.page.click("#list-buildings tbody tr:first-child")
    seen.page.wait_for_function("window.citytwin.map.getZoom() > 16.9")


def test_a_negative_radius_is_refused_in_words(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.go_to(*CROSSING, 17)
    seen.page.click("#tab-impact")
    seen.page.click("#pick-point")
    seen.page.mouse.click(*seen.on_screen(*CROSSING))
    seen.page.fill("#radius", "-5")
    seen.page.click("#run-impact")
    told = seen.page.wait_for_selector("#pane-impact .note.error")
    assert told is not None
    assert "radius_m" in told.inner_text()
    # The browser itself reports an answer of 400 on its console.
    assert all("400" in said for said in seen.complaints)
    seen.complaints.clear()


def test_the_flood_sends_the_engine_the_long_way_round(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.go_to(*CROSSING, 17)
    seen.page.click("#tab-dispatch")
    seen.page.click("#pick-incident")
    seen.page.mouse.click(*seen.on_screen(*CROSSING))
    with seen.page.expect_response("**/resource-routing/execution") as answered:
        seen.page.click("#run-dispatch")
    answer = answered.value.json()
    seen.page.wait_for_selector("#dispatch-answer")
    shown = seen.page.eval_on_selector_all(
        "#assigned [data-seconds]", "all => all.map((e) => Number(e.dataset.seconds))"
    )
    assert shown == [one["travel_time_s"] for one in answer["assigned"]]
    # Two engines and a pump truck; the flooded street is closed to the engines alone.
    assert len(shown) == 3
    late = seen.page.locator("#assigned .late").all_inner_texts()
    assert len(late) == 1
    seen.ready()
    assert seen.drawn("routes", "route") == 3
    assert seen.drawn("closed", "closed_edge") == 1
    seen.page.click("#pane-dispatch summary >> nth=0")
    assert seen.page.locator("#passed li").count() == 1
    seen.shot("town-dispatch")


def test_a_drawn_closure_is_sent_and_obeyed(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.go_to(*CROSSING, 17)
    seen.page.click("#tab-dispatch")
    seen.page.click("#pick-incident")
    x, y = seen.on_screen(*CROSSING)
    seen.page.mouse.click(x, y)
    seen.page.click("#draw-zone")
    for dx, dy in ((-70, -30), (-40, -30), (-40, 30), (-70, 30)):
        seen.page.mouse.click(x + dx, y + dy)
    seen.page.click("#draw-finish")
    with seen.page.expect_response("**/resource-routing/execution") as answered:
        seen.page.click("#run-dispatch")
    assert len(answered.value.request.post_data_json["inputs"]["closures"]["polygons"]) == 1
    causes = answered.value.json()["closed"]["by_vehicle_class"]["fire_engine"]["by_cause"]
    assert causes["area"] == 1


def test_the_language_is_switched_and_remembered(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    assert seen.page.inner_text("#tab-layers").strip() == "图层"
    seen.page.click("#tool-lang")
    assert seen.page.inner_text("#tab-layers").strip() == "Layers"
    assert seen.page.evaluate("document.documentElement.lang") == "en"
    seen.page.goto(town + "/map/")
    seen.page.wait_for_selector("#tab-layers")
    assert seen.page.inner_text("#tab-layers").strip() == "Layers"


def test_the_address_brings_back_view_and_layers(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.page.click('label[for="show-pipe_segment"]')
    seen.go_to(*CROSSING, 18)
    shared = seen.page.evaluate("location.hash")
    other = visit(town, f"/map/{shared}")
    other.ready()
    assert not other.page.is_checked("#show-pipe_segment")
    assert other.page.is_checked("#show-building")
    assert other.page.evaluate("window.citytwin.map.getZoom()") == pytest.approx(18)
    lon, lat = other.page.evaluate("window.citytwin.map.getCenter().toArray()")
    assert (lon, lat) == pytest.approx(CROSSING, abs=1e-5)


def test_water_stands_in_the_list_and_in_the_bar(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.page.wait_for_selector('.chip[data-level="red"]')
    seen.page.click('.chip[data-level="red"]')
    assert "0.70 m" in seen.page.inner_text("#pane-water")


def test_every_target_is_large_enough_for_a_finger(visit: Opener, town: str) -> None:
    seen = visit(town, viewport=TABLET, has_touch=True)
    seen.ready()
    for tab in ("layers", "water", "impact", "dispatch"):
        if seen.page.get_attribute(f"#tab-{tab}", "aria-selected") != "true":
            seen.page.tap(f"#tab-{tab}")
        small = seen.page.eval_on_selector_all(
            "button, label, summary, select, .maplibregl-ctrl button",
            """all => all.filter((e) => e.offsetParent).map((e) => {
                const box = e.getBoundingClientRect();
                return [e.id || e.className || e.textContent, box.width, box.height];
            }).filter(([, width, height]) => width < 44 || height < 44)""",
        )
        assert small == []


def test_the_service_may_go_away_and_come_back(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.page.route("**/*", lambda route: route.abort())
    seen.page.click("#tool-refresh")
    seen.page.wait_for_selector(".banner:not([hidden])")
    seen.page.unroute("**/*")
    # The page asks again by itself as well: the button may be gone by now.
    seen.page.dispatch_event("#retry", "click")
    seen.page.wait_for_selector(".banner", state="hidden")
    seen.ready()
    # The browser reports each request that failed; anything else would be a fault of the page.
    assert all("ERR_FAILED" in said for said in seen.complaints)
    seen.complaints.clear()


def test_a_service_that_is_away_at_the_start_is_asked_again(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    seen.page.route("**/city", lambda route: route.abort())
    seen.page.reload()
    seen.page.wait_for_selector(".start #retry")
    seen.page.unroute("**/city")
    seen.page.click("#retry")
    seen.ready()
    assert all("ERR_FAILED" in said for said in seen.complaints)
    seen.complaints.clear()


def test_a_city_without_features_says_so(visit: Opener, bare: str) -> None:
    seen = visit(bare)
    seen.ready()
    assert "citytwin load" in seen.page.inner_text("#empty")


def test_the_map_shows_what_was_known_at_a_moment(visit: Opener, town: str) -> None:
    seen = visit(town)
    seen.ready()
    with seen.page.expect_response(re.compile(r"/tiles/building\.json\?asOf=2020-")) as described:
        seen.page.fill("#as-of", "2020-01-01T12:00:00")
        seen.page.dispatch_event("#as-of", "change")
    assert "asOf=2020-" in described.value.json()["tiles"][0]
    seen.page.wait_for_function(
        "() => citytwin.map.areTilesLoaded()"
        " && citytwin.map.querySourceFeatures('building', {sourceLayer: 'building'}).length === 0"
    )
    assert seen.page.is_visible(".banner.past")
    seen.page.click("#as-of-now")
    assert not seen.page.is_visible(".banner.past")
    seen.page.wait_for_function(
        "() => citytwin.map.querySourceFeatures('building', {sourceLayer: 'building'}).length > 0"
    )
    assert seen.page.input_value("#as-of") == ""
