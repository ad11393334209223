"""`repro plan` on a terminal: of what the hours are, and what is said of disk."""

from __future__ import annotations

import re
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


def test_of_very_many_jobs_seeds_share_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seeds, store = range(80), Store(tmp_path)
    plan = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=seeds, rows=["moco-k16384", "moco-k8192"]))
    assert len(plan.jobs) == 2 * 80 * 7 + 6
    [broken] = [name for name, job in plan.jobs.items() if job.label == "probe moco-k8192, seed 7"]
    store.fail(broken, "no luck")
    forecast.plan(plan, needs(plan, store), stated(MINI))
    text = capsys.readouterr().out
    assert "pretrain moco-k16384, 80 seeds" in text
    assert "probe moco-k8192, 79 seeds" in text
    assert "probe moco-k8192, seed 7" in text
    assert len(re.findall(r"\d each ", text)) == 14  # of two rows, seven kinds
    assert re.findall(r"k\d+, seed \d+", text) == ["k8192, seed 7"]
