"""Networks of pandapipes become nodes and segments."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, rows
from twin.errors import InvalidInputError


def _frame(columns: list[str], *data: list[Any]) -> dict[str, Any]:
    table = {"columns": columns, "index": list(range(len(data))), "data": list(data)}
    return {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": json.dumps(table)}


def _net(fluid: str, is_gas: bool, **tables: Any) -> dict[str, Any]:
    said = json.dumps({"name": fluid, "is_gas": is_gas})
    found = {
        "fluid": {"_class": "Fluid", "_object": said},
        "junction": _frame(["name", "pn_bar", "height_m", "in_service"], ["a", 1.0, 3.0, True],
                           ["b", 1.0, 4.0, True], ["c", 4.0, None, False]),
        "junction_geodata": _frame(["x", "y"], [470_000.0, 2_580_000.0],
                                   [470_100.0, 2_580_000.0], [470_100.0, 2_580_090.0]),
        "pipe": _frame(["name", "from_junction", "to_junction", "length_km", "diameter_m",
                        "in_service"], ["p", 0, 1, 0.1, 0.1022, True]),
        **tables,
    }  # fmt: skip
    return {"_module": "pandapipes.pandapipes_net", "_class": "pandapipesNet", "_object": found}


def test_pandapipes_tables(engine: Engine, loads: Load, tmp_path: Path) -> None:
    net = _net(
        "water", False,
        pipe_geodata=_frame(["coords"], [[[470_000, 2_580_000], [470_050, 2_580_020]]]),
        valve=_frame(["from_junction", "to_junction", "diameter_m", "opened"], [1, 2, 0.1, False]),
        circ_pump_pressure=_frame(["return_junction", "flow_junction", "p_bar"], [2, 0, 5.0]),
        ext_grid=_frame(["junction", "p_bar"], [0, 1.0]),
        sink=_frame(["junction", "mdot_kg_per_s", "scaling"], [1, 0.2, 1.0], [1, 0.3, 2.0]),
    )  # fmt: skip
    (tmp_path / "heat.json").write_text(json.dumps(net))
    report = loads("pipe", tmp_path / "heat.json", crs="EPSG:4548")
    assert (report.format, report.loaded, report.rejected) == ("pandapipes", 6, {})
    assert rows(
        engine,
        "SELECT source_id, kind, device, valve_state, width_m, pressure_pa, ST_NPoints(geom)"
        " FROM twin.pipe_segment ORDER BY 1",
    ) == [
        ("circ_pump_pressure/0", "heat", "pump", None, None, 400_000.0, 2),
        ("pipe/0", "heat", None, None, 0.1022, 100_000.0, 3),
        ("valve/0", "heat", "valve", "closed", 0.1, 400_000.0, 2),
    ]
    assert rows(
        engine, "SELECT source_id, name, appurtenance, state, attrs->>'sink_kg_per_s'"
        " FROM twin.pipe_node ORDER BY 1"
    ) == [("0", "a", "source", "in_service", None), ("1", "b", None, "in_service", "0.8"),
          ("2", "c", None, "out_of_service", None)]  # fmt: skip


def test_valves_and_diameters_of_later_pandapipes(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    net = _net(
        "hgas", True,
        pipe=_frame(["from_junction", "to_junction", "inner_diameter_mm"], [0, 1, 102.2],
                    [1, 2, 80.0]),
        valve=_frame(["junction", "element", "et", "inner_diameter_mm", "opened"],
                     [1, 2, "ju", 100.0, True], [1, 1, "pi", 80.0, False]),
    )  # fmt: skip
    (tmp_path / "gas.json").write_text(json.dumps(net))
    report = loads("pipe", tmp_path / "gas.json", crs="EPSG:4548")
    assert rows(
        engine, "SELECT source_id, width_m, valve_state FROM twin.pipe_segment ORDER BY 1"
    ) == [("pipe/0", 0.1022, None), ("pipe/1", 0.08, "closed"), ("valve/0", 0.1, "open")]
    assert any("1 in table valve in another element" in note for note in report.notes)


def test_broken_pandapipes_files_say_what_is_wrong(loads: Load, tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    whole = json.dumps(_net("hgas", True))
    file.write_text(whole[: len(whole) // 2])
    with pytest.raises(InvalidInputError, match="is no network of pandapipes, or is truncated"):
        loads("pipe", file, crs="EPSG:4548")
    net = _net("hgas", True)
    del net["_object"]["pipe"]
    file.write_text(json.dumps(net))
    with pytest.raises(InvalidInputError, match="no table 'pipe'; it has fluid, junction"):
        loads("pipe", file, crs="EPSG:4548")
    net = _net("hgas", True, pipe=_frame(["from_junction"], [0, 1]))
    file.write_text(json.dumps(net))
    with pytest.raises(InvalidInputError, match="the table 'pipe' is not as pandapipes writes it"):
        loads("pipe", file, crs="EPSG:4548")
    file.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InvalidInputError, match="holds no pipe network that is known"):
        loads("pipe", file)
