"""Whole runs on a real SLURM of one node: the numbers of this machine's executor to the bit, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, write_tiny
from tests.run import cluster
from tests.run.cluster import Cluster
from tests.run.test_run import ROW, TWO, command, logs, outcome, records

pytestmark = pytest.mark.skipif(bool(cluster.missing()), reason=cluster.missing())
TIMEOUT = 300.0
SLURM = """
schema = 1
notice_seconds = 60
tries = 2

[all]
minutes = 10
gpus = 1
cores = 1

[data]
gpus = 0
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


def start(node: Cluster, folder: Path, *words: str) -> subprocess.Popen[str]:
    """Type a verb in a folder that has a profile and a slurm.toml."""
    (folder / "slurm.toml").write_text(SLURM, encoding="utf-8")
    environment = {**node.environment, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "160"}
    return subprocess.Popen(
        [*words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(node: Cluster, folder: Path, *words: str) -> tuple[int, str]:
    typed = start(node, folder, *words)
    try:
        said, _ = typed.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        typed.kill()
        raise
    return typed.returncode, said


def test_two_rows_have_the_numbers_of_this_machine(node: Cluster, tmp_path: Path) -> None:
    write_tiny(tmp_path)
    here, there = tmp_path / "here", tmp_path / "there"
    code, said = run(node, tmp_path, *command(tmp_path, "run", *TWO, results=here))
    assert code == 0, said
    code, said = run(node, tmp_path, *command(tmp_path, "run", *TWO, "--executor", "slurm", results=there))
    print(said)
    assert code == 0, said + node.logs()
    assert outcome(here) == outcome(there)
