"""Runs: what they keep, what they replace, and what a broken rule cannot do."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import twin.quality._check as running
from tests.twin.quality.conftest import Ask, Put, findings, square
from twin.errors import HouseRuleError, NotFoundError
from twin.quality import check, report, reports, rules

LOW = {"storeys": 10, "height_m": 12.0}
"""1.2 m a storey."""
FINE = {"storeys": 10, "height_m": 30.0}
STOREYS = "storey-height"


def _set(engine: Engine, building: int, height_m: float) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE twin.building SET height_m = :h WHERE id = :id"),
            {"h": height_m, "id": building},
        )


def test_a_finding_says_what_where_and_how_much(ask: Ask, put: Put) -> None:
    put("building", square(), **FINE)
    low = put("building", square(100), cell_id="440507001002003", manager="城管局", **LOW)
    (found,) = ask(STOREYS)
    assert (found["layer"], found["feature_id"]) == ("building", low)
    assert found["value"] == pytest.approx(1.2)
    assert (found["limit_value"], found["unit"]) == (2.2, "m")
    assert found["message_en"] == "10 storeys in 12.0 m: 1.2 m each; the limit is 2.2 m"
    assert "每层 1.2 m" in found["message_zh"]
    assert found["manager"] == "城管局"
    assert found["bd_code"]


def test_what_stays_keeps_its_id_and_what_is_mended_goes_into_the_history(
    engine: Engine, ask: Ask, put: Put
) -> None:
    first, second = put("building", square(), **LOW), put("building", square(100), **LOW)
    before = {each["feature_id"]: each for each in ask(STOREYS)}
    _set(engine, first, 30)
    (after,) = ask(STOREYS)
    assert after == before[second]
    with engine.connect() as connection:
        gone = connection.execute(
            text("SELECT feature_id, op FROM twin.quality_finding_history")
        ).all()
    assert [tuple(row) for row in gone] == [(first, "D")]


def test_a_finding_that_measures_something_else_now_keeps_its_id(
    engine: Engine, ask: Ask, put: Put
) -> None:
    building = put("building", square(), **LOW)
    (before,) = ask(STOREYS)
    _set(engine, building, 15)
    told = check(engine, only=[STOREYS]).rules[STOREYS]
    assert (told["new"], told["changed"], told["unchanged"], told["gone"]) == (0, 1, 0, 0)
    (after,) = findings(engine)
    assert after["id"] == before["id"]
    assert after["value"] == 1.5


def test_a_run_over_what_stayed_the_same_changes_nothing(engine: Engine, put: Put) -> None:
    put("building", square(), **LOW)
    check(engine, only=[STOREYS])
    with engine.connect() as connection:
        before = connection.scalar(text("SELECT max(seq) FROM twin.change_set"))
        told = check(engine, only=[STOREYS]).rules[STOREYS]
        assert connection.scalar(text("SELECT max(seq) FROM twin.change_set")) == before
    assert (told["new"], told["unchanged"]) == (0, 1)


def _load(engine: Engine, layer: str, table: str, ids: list[int]) -> int:
    """Let rows be of a load, as a load itself does."""
    with engine.begin() as connection:
        number = connection.scalar(
            text(
                "INSERT INTO twin.load (layer, source, files) VALUES (:l, 't', '[]') RETURNING id"
            ),
            {"l": layer},
        )
        connection.execute(text(f"SELECT set_config('twin.load_id', '{number}', true)"))
        connection.execute(
            text(f"UPDATE twin.{table} SET load_id = :n WHERE id = ANY (:ids)"),
            {"n": number, "ids": ids},
        )
        return int(number or 0)


def test_a_load_is_judged_by_its_own_rows(engine: Engine, put: Put) -> None:
    first, second = put("building", square(), **LOW), put("building", square(100), **LOW)
    one, other = (_load(engine, "building", "building", [each]) for each in (first, second))
    told = check(engine, load_id=one, only=[STOREYS])
    assert told.looked_at == {"building": 1}
    assert [each["feature_id"] for each in findings(engine)] == [first]
    check(engine, load_id=other, only=[STOREYS])
    assert [each["feature_id"] for each in findings(engine)] == [first, second]
    _set(engine, second, 30)
    check(engine, load_id=one, only=[STOREYS])
    assert len(findings(engine)) == 2, "the other load's row was not looked at"
    check(engine, load_id=other, only=[STOREYS])
    assert [each["feature_id"] for each in findings(engine)] == [first]


def test_a_finding_about_what_is_no_more_goes_with_the_next_run(
    engine: Engine, ask: Ask, put: Put
) -> None:
    building = put("building", square(), **LOW)
    assert len(ask(STOREYS)) == 1
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM twin.building WHERE id = :id"), {"id": building})
    assert ask(STOREYS, layer="building") == []


def test_a_rule_that_fails_is_told_of_and_stops_no_other(
    engine: Engine, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("building", square(), **LOW)
    broken = replace(rules()[STOREYS], id="broken", check="SELECT id AS feature_id FROM twin.none")
    monkeypatch.setattr(running, "rules", lambda: {"broken": broken, STOREYS: rules()[STOREYS]})
    told = check(engine)
    assert "UndefinedTable" in told.rules["broken"]["failed"]
    assert told.rules[STOREYS]["found"] == 1
    assert len(findings(engine)) == 1


def test_more_findings_than_a_map_can_bear_are_counted_and_not_kept(
    engine: Engine, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    import twin.quality._found as found

    monkeypatch.setattr(found, "MOST_KEPT", 2)
    ids = [put("building", square(20 * number), **LOW) for number in range(5)]
    told = check(engine, only=[STOREYS]).rules[STOREYS]
    assert (told["found"], told["kept"]) == (5, 2)
    assert [each["feature_id"] for each in findings(engine)] == ids[:2]


def test_completeness_counts_mandatory_conditional_and_optional_fields(
    engine: Engine, put: Put
) -> None:
    put("building", square(), use="residential", residents_night=3, **FINE)
    put("building", square(100), use="residential", height_m=9)
    put("building", square(200), use=" ", storeys=2)
    put("building", square(300), use="office", storeys=2, state="removed")
    fields = check(engine, layer="building").completeness["building"]["fields"]
    assert fields["use"] == {
        "obligation": "M", "condition": None, "rows": 3, "filled": 2, "percent": 66.67,
    }  # fmt: skip
    assert (fields["storeys"]["rows"], fields["storeys"]["filled"]) == (3, 2)
    night = fields["residents_night"]
    assert (night["obligation"], night["rows"], night["filled"]) == ("C", 2, 1)
    assert fields["name"]["obligation"] == "O"
    assert fields["name"]["percent"] == 0


def test_mandatory_fields_are_named_where_they_are_missing(ask: Ask, put: Put) -> None:
    put("building", square(), use="residential", residents_night=3, **FINE)
    bare = put("building", square(100), use="residential", height_m=9)
    (found,) = ask("mandatory-fields", layer="building")
    assert found["feature_id"] == bare
    assert found["message_en"] == "2 fields are missing: storeys, residents_night"


def test_a_finding_shows_no_more_than_its_feature(ask: Ask, put: Put) -> None:
    put("building", square(), visibility="restricted", **LOW)
    (found,) = ask(STOREYS)
    assert found["visibility"] == "restricted"


def test_runs_are_kept_and_found_again(engine: Engine, put: Put) -> None:
    put("building", square(), **LOW)
    whole, one = check(engine, only=[STOREYS]), check(engine, layer="building", only=[STOREYS])
    with Session(engine) as session:
        assert report(session, one.id) == one
        assert [each.id for each in reports(session)] == [one.id, whole.id]
        assert [each.id for each in reports(session, layer="building", limit=1)] == [one.id]
        with pytest.raises(NotFoundError, match="no quality run 99"):
            report(session, 99)
    assert one.found == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"layer": "dragons"}, r"no layer 'dragons' to judge; there are building"),
        ({"layer": "quality_finding"}, "to judge"),
        ({"load_id": 7}, "no load 7"),
        ({"only": ["dragons"]}, r"no rule 'dragons'; there are .*storey-height"),
    ],
)
def test_what_is_not_there_is_named(engine: Engine, asked: dict[str, object], said: str) -> None:
    with pytest.raises(NotFoundError, match=said):
        check(engine, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tables": ("dragon",)}, "no such table"),
        ({"severity": "fatal"}, "fatal"),
        ({"source": " "}, "names no source"),
        ({"check": {"region": "SELECT 1"}}, "statements for"),
    ],
)
def test_a_rule_that_is_none_stops_the_program(changes: dict[str, object], said: str) -> None:
    with pytest.raises(HouseRuleError, match=said):
        replace(rules()[STOREYS], **changes)  # type: ignore[arg-type]


def test_every_rule_speaks_both_languages_and_names_its_source() -> None:
    for name, rule in rules().items():
        assert name == rule.id
        for words in (rule.title, rule.asks, *(p.means for p in rule.parameters)):
            assert any("一" <= letter <= "鿿" for letter in words.zh), words
            assert words.en.isascii(), words
        assert rule.source
