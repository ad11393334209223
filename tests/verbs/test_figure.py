"""`repro figure`: what it runs, what it writes, and what it says where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.plan.expand import Options, expand
from repro.spec import load
from repro.store import Store
from tests.judge.figures import keep

Typed = Callable[..., tuple[int, str, str]]
ROWS = ("moco-k16384", "patch-k16384")


@pytest.fixture
def fifth(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results for one end of Figure 5; returns the profile's file."""
    monkeypatch.chdir(tiny.parent)
    specs = load.specs()
    plan = expand(specs.tables, specs.table("figure5"), load.profile(str(tiny)), Options(seeds=[0, 1], rows=ROWS))
    for row, value in zip(ROWS, (60.0, 62.0), strict=True):
        keep(Store(Path("results")), plan, (row, "imagenet"), [{"top1": value}, {"top1": value + 1}])
    return tiny


def asked(profile: Path, *more: object) -> list[object]:
    return ["figure", "5", "--profile", profile, "--rows", ",".join(ROWS), "--seeds", "0,1", "--no-run", *more]


def test_what_is_there_is_drawn(fifth: Path, typed: Typed) -> None:
    code, out, err = typed(*asked(fifth))
    assert (code, err) == (0, "")
    said = "".join(out.split())
    for ending in ("pdf", "png", "svg", "csv", "txt"):
        assert f"wroteresults/figures/figure5-tiny.{ending}" in said
        assert (Path("results/figures") / f"figure5-tiny.{ending}").stat().st_size > 100
    assert "seeds0,1(n=2)" in said


def test_a_folder_and_formats_may_be_named(fifth: Path, typed: Typed) -> None:
    code, _, _ = typed(*asked(fifth, "-o", "drawn", "--formats", "svg"))
    assert code == 0
    assert sorted(path.name for path in Path("drawn").iterdir()) == [f"figure5-tiny.{e}" for e in ("csv", "svg", "txt")]


def test_a_format_that_is_none_is_told(fifth: Path, typed: Typed) -> None:
    code, _, err = typed(*asked(fifth, "--formats", "svg,gif"))
    assert code == 2
    assert 'expected some of pdf, png, svg, found "gif"' in err


def test_a_figure_without_results_says_so(tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    code, _, err = typed("figure", "figure5", "--profile", tiny, "--no-run")
    assert code == 4
    assert err.startswith(
        "repro: figure5: there is nothing of ours to draw: moco-k4096:imagenet, moco-k8192:imagenet, "
        "moco-k12288:imagenet and 5 more not run: no result of this recipe yet"
    )


def test_a_figure_that_is_none_is_told(tiny: Path, typed: Typed) -> None:
    code, _, err = typed("figure", "8", "--profile", tiny)
    assert code == 2
    assert 'no table or figure "figure8"' in err


def test_figure_1_runs_what_it_needs_and_is_drawn(tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    words = ["figure", "1", "--profile", tiny, "--rows", "patch", "--seeds", "0", "--formats", "png"]
    code, out, _ = typed(*words)
    assert code == 0
    assert "samples of patch, seed 0" in out
    assert Path("results/figures/figure1-tiny.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = typed(*words)  # nothing is done twice
    assert "0 jobs to run" in out or "nothing to run" in out


def _photograph(path: Path, *, side: int = 48) -> Path:
    from PIL import Image

    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (side, side + 9, 3), np.uint8)).save(path)
    return path


def test_a_picture_of_ones_own_is_drawn(tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    image = _photograph(Path("cat.png"))
    code, out, _ = typed("figure", "1", "--profile", tiny, "--image", image, "--formats", "svg", "-o", "drawn")
    assert code == 0
    assert "Each line is a draw of the picture cat." in " ".join(out.split())
    assert sorted(path.name for path in Path("drawn").iterdir()) == [
        f"figure1-tiny-cat.{e}" for e in ("csv", "svg", "txt")
    ]
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("name", "number", "code", "told"),
    [
        ("cat.png", "6", 2, "--image: figure6 shows no samples of an image; Figure 1 does"),
        ("none.png", "1", 3, "none.png: no picture that can be read (No such file or directory); "),
    ],
)
def test_what_is_no_picture_for_it_is_told(
    name: str, number: str, code: int, told: str, tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    if name == "cat.png":
        _photograph(Path(name))
    found, _, err = typed("figure", number, "--profile", tiny, "--image", name)
    assert found == code
    assert told in err
