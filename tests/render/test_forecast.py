"""`repro plan` on a terminal: of what the hours are, and what is said of disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.plan.cost import stated
from repro.plan.expand import Options, expand
from repro.plan.needs import needs
from repro.render import forecast
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Store

SPECS, MINI, PAPER = load.specs(), load.profile("mini"), load.profile("paper")


def shown(profile: Profile, device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    options = Options(seeds=[0], rows=["moco-k16384"], columns=["imagenet"], device=device)
    plan = expand(SPECS.tables, SPECS.table("table1"), MINI.model_copy(update=profile_of(profile)), options)
    forecast.plan(plan, needs(plan, Store(tmp_path)), stated(profile))
    return capsys.readouterr().out


def profile_of(profile: Profile) -> dict[str, object]:
    """What the forecast reads of a profile, put on drawn images that need no folder."""
    return {"device": profile.device, "rates": profile.rates, "disk": profile.disk, "workers": profile.workers}


def test_where_the_profile_is_for_cards_the_hours_are_of_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(PAPER, "cpu", tmp_path, capsys)
    assert "GPU-hours   disk" in text
    assert "113 MB" in text  # an encoder and a probe
    assert "of GPU time" in text
    assert "no graphics card is seen here; on a processor all of it takes some hundred" in text
    assert "pretrain: 224 passes/s (assumed: facebookresearch/moco README" in text
    assert "pretrain: 112 MB on the disk (28.0 million parameters" in text


def test_a_profile_for_processors_counts_their_hours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(MINI, "cpu", tmp_path, capsys)
    assert "CPU-hours" in text
    assert "not stated" in text
    assert "graphics card" not in text


def test_with_a_card_nothing_is_said_of_its_absence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(PAPER, "cuda", tmp_path, capsys)
    assert "of GPU time" in text
    assert "no graphics card" not in text
