"""Everything that CI runs, in one go: ``./test [--all] [PYTEST ARGUMENT...]``.

Every step runs whatever came before.  The last line says how many tests passed and failed; a
failed step counts as a failed test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "test-results" / "pytest.xml"
PACKAGES = {"chromium": "chromium", "gdal-bin": "ogr2ogr", "fonts-noto-cjk": None}
"""Debian packages that tests use, and the program that shows that each is there."""

_WEB = """
from pathlib import Path
from api.web_build import build_web, run_npm
if build_web(Path.cwd(), print):
    run_npm(Path.cwd(), ["run", "typecheck", "--if-present"])
    run_npm(Path.cwd(), ["test", "--if-present"])
"""
STEPS = {
    "ruff check": ["-m", "ruff", "check", "--quiet", "."],
    "ruff format": ["-m", "ruff", "format", "--quiet", "--check", "."],
    "mypy": ["-m", "mypy"],
    "lint-imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "map page": ["-c", _WEB],
}


def main() -> int:
    """Run all steps and say at the end what came of them."""
    arguments = sys.argv[1:]
    selection = ["-m", "not slow"]
    if "--all" in arguments:
        arguments.remove("--all")
        selection = []
    started = time.monotonic()
    install_packages()
    failed = [name for name, words in STEPS.items() if not step(name, words)]
    print("== pytest", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    words = ["-m", "pytest", f"--junitxml={REPORT}", *selection, *arguments]
    status = subprocess.run([sys.executable, *words], cwd=ROOT).returncode
    summarise(failed, status, time.monotonic() - started)
    return 1 if failed or status != 0 else 0


def step(name: str, words: list[str]) -> bool:
    """Run one step in this environment and return whether it passed."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    passed = subprocess.run([sys.executable, *words], cwd=ROOT).returncode == 0
    print(f"   {'ok' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
    return passed


def summarise(failed: list[str], status: int, took_s: float) -> None:
    """Print which steps failed, then the one line that CI reads."""
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if REPORT.exists():
        for suite in ElementTree.parse(REPORT).getroot().iter("testsuite"):
            for key in counts:
                counts[key] += int(suite.get(key, "0"))
    bad = counts["failures"] + counts["errors"]
    if status != 0 and bad == 0:
        failed = [*failed, f"pytest (exit status {status})"]
    steps = f"FAILED: {', '.join(failed)}" if failed else f"{len(STEPS)} passed"
    print(f"\nsteps: {steps}; {took_s:.0f} s in all")
    passed = counts["tests"] - bad - counts["skipped"]
    # Alone on its line: other programs read it.
    print(f"{passed} passed, {bad + len(failed)} failed, {counts['skipped']} skipped", flush=True)


def install_packages() -> None:
    """Install what tests use, as root by apt; without it the tests that need it are skipped."""
    missing = [name for name, program in PACKAGES.items() if not is_there(program)]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"not installed, tests that need them are skipped: {', '.join(missing)}", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"== installing {', '.join(missing)} by apt-get", flush=True)
    for words in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        command = ["apt-get", "-q", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            print("\n".join(done.stderr.splitlines()[-5:]), flush=True)


def is_there(program: str | None) -> bool:
    """Return whether a program is on the path; for None, whether a Chinese font is installed."""
    if program is not None:
        return shutil.which(program) is not None
    listing = shutil.which("fc-list")
    if listing is None:
        return any(Path("/usr/share/fonts").glob("**/*CJK*"))
    found = subprocess.run([listing, ":lang=zh"], capture_output=True, text=True)
    return bool(found.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
