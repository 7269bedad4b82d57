"""The launcher runs a program of the project's environment, or says why it cannot."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = ROOT / "scripts" / "launch"
VERBS = ["run", "test", "bench", "citytwin", ".ci/run", "scripts/launch"]


def launch(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run([LAUNCH, *words], env=environment, capture_output=True, text=True)


@pytest.fixture
def own_environment() -> None:
    if not os.access(ROOT, os.W_OK):
        pytest.skip("the checkout is not writable: nothing is installed into it")


@pytest.mark.usefixtures("own_environment")
def test_the_program_has_the_launchers_process_and_its_signals() -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    process = subprocess.Popen([LAUNCH, "python", "-c", code], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


@pytest.mark.usefixtures("own_environment")
def test_what_slows_or_confuses_python_is_taken_away() -> None:
    code = "import os; print([key for key in os.environ if key.startswith('PYTHON')])"
    done = launch("python", "-c", code, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH="/nonexistent")
    assert "PYTHONDONTWRITEBYTECODE" not in done.stdout
    assert "PYTHONPATH" not in done.stdout


@pytest.mark.usefixtures("own_environment")
def test_the_exit_status_is_the_programs() -> None:
    assert launch("python", "-c", "raise SystemExit(7)").returncode == 7
    assert launch("no-such-program").returncode == 1


@pytest.mark.usefixtures("own_environment")
def test_a_uv_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "uv"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    shutil.copytree(ROOT / "scripts", tmp_path / "clone" / "scripts")
    # No Python either: it must come to the point where it would install its own uv, and say so.
    for name in ("dirname", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    copy = tmp_path / "clone" / "scripts" / "launch"
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    for name in ("mkdir", "rm", "tail"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        ["/bin/sh", copy, "python", "-c", ""], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    if not os.access("/usr/bin/python3", os.X_OK):
        assert "no working Python was found" in done.stderr
    else:
        assert "installing uv into" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_checkout_that_is_not_ours_to_write_is_named() -> None:
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(ROOT / "scripts", f"{folder}/scripts")
        command = [*nobody, f"{folder}/scripts/launch", "python"]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{folder} is not writable for nobody" in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_run_from_anywhere(verb: str) -> None:
    path = ROOT / verb
    assert os.access(path, os.X_OK)
    shell = "bash" if verb == ".ci/run" else "sh"
    assert subprocess.run([shell, "-n", path]).returncode == 0


def test_the_requirements_are_those_of_the_lock_file() -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None or subprocess.run([uv, "--version"], capture_output=True).returncode != 0:
        pytest.skip("no uv on the path")
    command = [uv, "export", "--frozen", "--no-emit-project", "--no-header", "--quiet"]
    wanted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    said = "out of date, run: uv export --frozen --no-emit-project --no-header -o requirements.txt"
    assert (ROOT / "requirements.txt").read_text() == wanted, said


@pytest.mark.parametrize("name", ["requirements.txt", *VERBS])
def test_no_package_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text.replace("http://127.0.0.1", "")
