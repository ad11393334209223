"""Cells and claims as tests, collected by a pytest of their own beside stored results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.test_cli import ROW, _elsewhere, measured  # noqa: F401  (fixtures)


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A pytest that knows nothing of this project's settings."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    line = [sys.executable, "-m", "pytest", "-p", "repro.pytest_plugin", "-p", "no:cacheprovider", "-c", "pytest.ini"]
    if not (folder / "tables").exists():
        for name in ("tables", "figures"):
            (folder / name).symlink_to(CHECKOUT / name)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    return subprocess.run(
        [*line, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def strict(measured: Path) -> Path:  # noqa: F811
    """The results of `measured`, judged as if they were of the paper's scale: every cell differs."""
    text = measured.read_text(encoding="utf-8")
    file = measured.with_name("strict.toml")
    file.write_text(text.replace('"tiny"', '"strict"').replace('"claims"', '"cells"', 1), encoding="utf-8")
    return file


def test_cells_and_claims_pass_fail_and_are_skipped_with_their_reasons(strict: Path) -> None:
    asked = ["--repro-profile", str(strict), "--repro-rows", ROW, "--repro-seeds", "0,1"]
    done = typed(strict.parent, "tables/table1.toml", "-rs", "-v", *asked)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"tables/table1.toml::{ROW}:imagenet FAILED" in done.stdout
    assert f"table1.cells {ROW}:imagenet" in done.stdout
    assert "differs: " in done.stdout
    assert "runtest" not in done.stdout  # the comparison, not our code
    assert "tables/table1.toml::C02 SKIPPED" in done.stdout
    assert "missing: table1/moco-k16384-patch-a2:imagenet-c was not asked for" in done.stdout
    assert "3 failed, 2 passed, 20 skipped" in done.stdout  # what exceeds passes, as in a check


def test_what_holds_passes_and_what_is_not_run_is_skipped(measured: Path) -> None:  # noqa: F811
    asked = ["--repro-profile", str(measured), "--repro-rows", ROW, "--repro-seeds", "0,1"]
    done = typed(measured.parent, "tables/table1.toml", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed, 20 skipped" in done.stdout
    done = typed(measured.parent, "tables", "figures", "--collect-only", "-q", "--repro-profile", str(measured))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tables/table1.toml::C35" not in done.stdout  # a check of ours, no claim of the paper
    assert {"table1", "table4", "fnc", "figure6", "figure13"} <= {
        line.partition(".toml::")[0].rpartition("/")[2] for line in done.stdout.splitlines() if ".toml::" in line
    }


def test_a_mistake_is_a_sentence_and_other_files_are_left_alone(tmp_path: Path) -> None:
    done = typed(tmp_path, "tables/table1.toml", "--repro-rows", "moco-16384")
    assert done.returncode == 2
    assert 'did you mean "moco-k16384"' in done.stdout
    assert "Traceback" not in done.stdout
    (tmp_path / "other/tables").mkdir(parents=True)
    (tmp_path / "other/tables/table1.toml").write_text("x = 1")
    done = typed(tmp_path, "other")
    assert "no tests ran" in done.stdout
