"""A worker process as the executor sees it."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from repro.run.hand import Events, Hand
from repro.store import Store


def test_a_worker_finds_its_results_whatever_their_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store, events = Store(Path("-r $(x)\n'")), Events()
    store.prepare()
    hand = Hand(1, store, log=store.root / "worker.log", threads=1, loaders=0, processes=1, silence=9.0, events=events)
    try:
        assert events.get(timeout=300) == (1, {"event": "ready", "id": ""})
        hand.dismiss()
        assert events.get(timeout=300) == (1, None)
        assert hand.process.returncode == 0
    except queue.Empty:
        pytest.fail(hand.log.read_text())
    finally:
        hand.process.kill()
        hand.process.wait()
        hand.listener.join()
        hand.close()
