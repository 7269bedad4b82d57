"""The rules of the house, checked."""

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from analysis import analyses
from api.verbs import verbs
from layers import layers
from twin.ingest import readers
from twin.quality import rules

ROOT = Path(__file__).parent.parent
ROOMS = ("twin", "layers", "analysis", "tiles", "api")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
API = sorted((ROOT / "api").rglob("*.py"))
ROUTES = sorted((ROOT / "api" / "routes").glob("*.py"))
DOCS = {path: path.read_text() for path in sorted((ROOT / "docs").rglob("*.md"))}

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
every_api_module = pytest.mark.parametrize("path", API, ids=lambda p: str(p.relative_to(ROOT)))
every_route = pytest.mark.parametrize("path", ROUTES, ids=lambda p: p.stem)


@every_module
def test_every_module_says_what_it_is_and_stays_short(path: Path) -> None:
    source = path.read_text()
    assert ast.get_docstring(ast.parse(source)), "no module docstring"
    assert source.count("\n") <= 400, "split it"


@every_module
def test_functions_stay_short(path: Path) -> None:
    """Forty lines is the aim, fifty the end; what a docstring says does not count."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = node.body[0] if ast.get_docstring(node) else None
            told = (said.end_lineno or 0) - said.lineno + 1 if said else 0
            assert (node.end_lineno or 0) - node.lineno + 1 - told <= 50, node.name


@every_api_module
def test_the_api_speaks_no_sql(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"\bST_\w+|\btext\(|\bselect\(|exec_driver_sql", source)
    assert not re.search(r"\bSELECT\b|\bINSERT INTO\b|\bUPDATE twin|\bDELETE FROM\b", source)


@every_route
def test_a_route_is_short_and_handles_no_errors(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Try)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 20, node.name


def test_settings_are_read_in_one_place() -> None:
    """Lower rooms are told what they need; they do not look into the environment for TWIN_."""
    for path in MODULES:
        if path != ROOT / "api" / "settings.py":
            assert not re.search(r"environ\W+TWIN_|getenv\W+TWIN_", path.read_text()), path


def test_no_other_distribution_ships_our_rooms() -> None:
    owners = packages_distributions()
    for room in ROOMS:
        found = set(owners.get(room, []))
        assert found <= {"citytwin"}, f"{room} is also shipped by {found}"


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_every_layer_has_its_section_in_the_docs(layer: object) -> None:
    page = DOCS[ROOT / "docs" / "layers.md"]
    name, title = layer.id, layer.title  # type: ignore[attr-defined]
    section = re.search(
        rf"^## `{name}` — {title.zh} {title.en}\n(.*?)(?=^## |\Z)", page, re.M | re.S
    )
    assert section, f"docs/layers.md has no section on {name}"
    for entry in layer.fields[2:]:  # type: ignore[attr-defined]
        if entry.name in _SHARED:
            continue
        assert f"`{entry.name}`" in section[1], f"docs/layers.md: {name} without {entry.name}"


def test_the_fields_every_layer_shares_are_in_the_docs() -> None:
    page = DOCS[ROOT / "docs" / "layers.md"]
    for name in _SHARED:
        assert f"`{name}`" in page


_SHARED = {entry.name for entry in layers()["region"].fields} - {
    "level", "code", "parent_id", "population",
}  # fmt: skip


@pytest.mark.parametrize("analysis", analyses())
def test_every_analysis_names_its_source_and_has_a_page(analysis: str) -> None:
    assert analyses()[analysis].source.strip()
    assert any(re.search(rf"^# .*`?{analysis}`?", text, re.M) for text in DOCS.values()), (
        f"no page of docs/ has {analysis} in its title"
    )


@pytest.mark.parametrize("rule", rules())
def test_every_rule_is_in_the_docs(rule: str) -> None:
    page = DOCS[ROOT / "docs" / "methods" / "quality.md"]
    (row,) = re.findall(rf"^\| `{rule}` .*$", page, re.M)
    for each in rules()[rule].parameters:
        assert f"`{each.name}` {each.value:g}" in row


@pytest.mark.parametrize("format_id", readers())
def test_every_format_is_in_the_docs(format_id: str) -> None:
    assert any(re.search(rf"^#+ .*`{format_id}`", text, re.M) for text in DOCS.values()), (
        f"no heading of docs/ names the format `{format_id}`"
    )


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_docs(verb: str) -> None:
    assert any(f"citytwin {verb}" in text for text in DOCS.values())


def test_the_pages_of_the_docs_lead_somewhere() -> None:
    for path, text in DOCS.items():
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} leads to {target}"
