"""What killed processes left goes once nobody has it, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from repro import leftovers
from repro.store import Store

DAY = 24 * 3600.0


def _aged(path: Path, seconds: float, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_parts_of_files_go_when_they_are_a_day_old(tmp_path: Path) -> None:
    old = [_aged(tmp_path / name, DAY + 60) for name in (".code.json.a1b2c3d4.part", "rules/.x.json.__345678.part")]
    others = [
        _aged(tmp_path / ".code.json.e5f6a7b8.part", DAY - 60),  # somebody may be at it
        _aged(tmp_path / "big.tar.part", 9 * DAY),  # a download under way is gone on with
        _aged(tmp_path / "code.json", 9 * DAY, b"{}"),
    ]
    Store(tmp_path).prepare()
    assert [path for path in old if path.exists()] == []
    assert [path for path in others if not path.exists()] == []


def test_a_file_that_is_written_takes_its_own_parts_along(tmp_path: Path) -> None:
    own, other = (_aged(tmp_path / f".{name}.a1b2c3d4.part", DAY + 60) for name in ("page [1].html", "page.html"))
    leftovers.write(tmp_path / "page [1].html", "new", option="--output")
    assert (tmp_path / "page [1].html").read_text() == "new"
    assert not own.exists()
    assert other.exists()


def test_a_log_that_says_nothing_goes_when_its_worker_is_dead(tmp_path: Path) -> None:
    said = _aged(tmp_path / "worker-a-1-1.log", DAY, b"a warning\n")
    fresh = _aged(tmp_path / "worker-a-2-1.log", 0.0)
    log = tmp_path / "worker-a-3-1.log"
    with log.open("ab") as stream:
        leftovers.hold(stream)
        worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=stream)
    os.utime(log, (time.time() - DAY,) * 2)
    with worker:
        Store(tmp_path).prepare()
        assert log.exists()  # its worker lives, though whoever opened it has closed it
        worker.send_signal(signal.SIGKILL)
    Store(tmp_path).prepare()
    assert not log.exists()
    assert said.exists()
    assert fresh.exists()
