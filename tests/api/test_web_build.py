"""The map page is built when its sources changed, and only then."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from api.web_build import build_web
from twin.errors import UnavailableError

BUILD = "node -e \"fs.mkdirSync('dist', {recursive: true}); fs.copyFileSync('page', 'dist/page')\""


def make_web(root: Path, build: str = BUILD) -> Path:
    """Make the smallest web folder that npm can build: no dependency, one page."""
    web = root / "web"
    web.mkdir()
    name = {"name": "page", "version": "1.0.0"}
    lock = {**name, "lockfileVersion": 3, "requires": True, "packages": {"": name}}
    (web / "package.json").write_text(json.dumps({**name, "scripts": {"build": build}}))
    (web / "package-lock.json").write_text(json.dumps(lock))
    (web / "page").write_text("one")
    return web


@pytest.fixture
def npm() -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm on the path")


def test_a_checkout_without_a_page_has_nothing_to_build(tmp_path: Path) -> None:
    assert build_web(tmp_path) is None


@pytest.mark.usefixtures("npm")
def test_the_page_is_built_when_its_sources_changed(tmp_path: Path) -> None:
    web = make_web(tmp_path)
    said: list[str] = []
    assert build_web(tmp_path, said.append) == web / "dist"
    assert (web / "dist" / "page").read_text() == "one"
    assert said == ["fetching the map page's libraries", "building the map page"]
    build_web(tmp_path, said.append)
    assert len(said) == 2
    (web / "page").write_text("two")
    build_web(tmp_path, said.append)
    assert (web / "dist" / "page").read_text() == "two"
    assert said[2:] == ["building the map page"]


@pytest.mark.usefixtures("npm")
def test_a_build_that_fails_says_what_npm_said(tmp_path: Path) -> None:
    web = make_web(tmp_path, "node -e \"console.log('no such tile'); process.exit(3)\"")
    with pytest.raises(UnavailableError, match=r"npm run build failed(.|\n)*no such tile"):
        build_web(tmp_path)
    assert not (web / "dist" / ".sources").exists()


@pytest.mark.slow
def test_without_node_one_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on the path")
    monkeypatch.setenv("UV", uv)
    monkeypatch.setenv("UV_SYSTEM_CERTS", "1")
    monkeypatch.setenv("PATH", str(path_without(tmp_path / "bin", {"node", "npm", "npx"})))
    web = make_web(tmp_path)
    assert build_web(tmp_path) == web / "dist"


def path_without(folder: Path, hidden: set[str]) -> Path:
    """Return a folder with a link to every program on the path but the hidden ones."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in hidden and not link.is_symlink():
                link.symlink_to(program)
    return folder
