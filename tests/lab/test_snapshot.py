"""Tensors on disk: whole or told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from repro.lab import snapshot


def tensors() -> dict[str, torch.Tensor]:
    return {
        "b": torch.arange(6.0).view(2, 3).T,
        "a": torch.tensor(3, dtype=torch.int64),
        "c": torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        "d": torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
        "e": torch.empty(0, 4),
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = tensors()
    snapshot.save(tmp_path / "x.safetensors", written, about={"step": 3, "loss": 0.1})
    read, about = snapshot.load(tmp_path / "x.safetensors")
    assert about == {"step": 3, "loss": 0.1}
    assert read.keys() == written.keys()
    for name, tensor in written.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name].nan_to_num(), tensor.nan_to_num())


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    content = tensors()
    snapshot.save(tmp_path / "a", content, about={"x": 1, "y": 2})
    snapshot.save(tmp_path / "b", dict(reversed(content.items())), about={"y": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_every_changed_byte_and_every_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    snapshot.save(path, {"a": torch.arange(5.0)}, about={"step": 3})
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(snapshot.Damaged):
            snapshot.load(path)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(snapshot.Damaged):
            snapshot.load(path)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("<html>quota exceeded</html>")
    with pytest.raises(snapshot.Damaged, match=r"^x cannot be read \("):
        snapshot.load(tmp_path / "x")


def test_pace_waits_ten_seconds_and_longer_where_writing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("repro.lab.snapshot.time.monotonic", lambda: now[0])
    pace = snapshot.Pace()
    now[0] = 9.9
    assert not pace.due()
    now[0] = 10.0
    assert pace.due()
    pace.time(lambda: now.__setitem__(0, now[0] + 2.0))  # two seconds to write: not again for 100
    now[0] += 99.0
    assert not pace.due()
    now[0] += 1.0
    assert pace.due()
