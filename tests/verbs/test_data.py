"""The verbs about images as they are typed: what they print, which exit code, which sentence for each mistake."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from repro.errors import Interrupted
from repro.lab.textures import cost
from repro.render import texture_sheet
from repro.render.tally import Tally

Typed = Callable[..., tuple[int, str, str]]
FAST = ("--side", "12", "--pixels", "24", "--workers", "1")
MAKE = ("data", "make", "imagenet-texture", "--root")


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in an empty folder, and a texture is said to cost 0.5 seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(cost, "seconds", lambda pixels, side: 0.5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three photographs in two splits."""
    for i, name in enumerate(("train/n1/a.png", "train/n2/b.png", "val/n1/c.png")):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / name)
    return Path("pictures")


def test_textures_are_made_once_and_checked(root: Path, typed: Typed, tmp_path: Path) -> None:
    out = tmp_path / "pictures-texture"
    code, said, err = typed(*MAKE, root, *FAST)
    assert (code, err) == (0, "")
    assert said.splitlines() == [
        f"imagenet-texture: textures of 3 images of pictures (train, val) to {out}, 24 x 24 jpeg, seed 0; "
        "0.50 CPU-seconds each on this machine: at most 0.000417 CPU-hours, 0:02 with 1 worker",
        "3 made, 0 were there, 0 remade, 0 corrupt sources",
    ]
    code, said, _ = typed(*MAKE, root, *FAST)
    assert (code, said.splitlines()[1:]) == (0, ["0 made, 3 were there, 0 remade, 0 corrupt sources"])
    code, said, _ = typed(*MAKE, root, *FAST, "--check")
    assert (code, said.splitlines()) == (
        0,
        [
            f"imagenet-texture: look at the textures of 3 images of pictures (train, val) in {out}",
            "3 were there, 0 missing, 0 wrong, 0 corrupt sources",
        ],
    )
    (out / "val/n1/c.jpg").write_bytes(b"")
    (out / "train/n1/a.jpg").unlink()
    code, said, _ = typed(*MAKE, root, *FAST, "--check")
    assert (code, said.splitlines()[1:]) == (
        1,
        ["1 were there, 1 missing, 1 wrong, 0 corrupt sources", "  val/n1/c: wrong, cannot be read"],
    )
    code, said, _ = typed(*MAKE, root, *FAST)
    assert (code, said.splitlines()[1:]) == (0, ["1 made, 1 were there, 1 remade, 0 corrupt sources"])


def test_corrupt_sources_are_listed_and_kept_in_a_file(root: Path, typed: Typed) -> None:
    for i in range(12):
        (root / f"val/n1/x{i:02}.jpg").write_bytes(b"")
    code, said, err = typed(*MAKE, root, *FAST, "--out", "out", "--splits", "val")
    assert (code, err) == (1, "")
    lines = said.splitlines()[1:]
    assert lines[0] == "1 made, 0 were there, 0 remade, 12 corrupt sources"
    assert lines[1:11] == [f"  val/n1/x{i:02}: corrupt, empty" for i in range(10)]
    assert lines[11:] == ["  and 2 more; all of them in out/not-made.txt"]
    kept = Path("out/not-made.txt").read_text().splitlines()
    assert kept == [f"val/n1/x{i:02}: corrupt, empty" for i in range(12)]
    for path in root.glob("val/n1/x*"):
        path.unlink()
    assert typed(*MAKE, root, *FAST, "--out", "out", "--splits", "val")[0] == 0
    assert not Path("out/not-made.txt").exists()


def test_textures_of_no_photograph_are_told_of(root: Path, typed: Typed) -> None:
    assert typed(*MAKE, root, *FAST, "--out", "out")[0] == 0
    (root / "train/n1/a.png").rename(root / "train/n1/z.png")
    code, said, _ = typed(*MAKE, root, *FAST, "--out", "out")
    stray = "  1 pictures in out belong to no photograph, such as train/n1/a.jpg"
    assert (code, said.splitlines()[1:]) == (0, ["1 made, 2 were there, 0 remade, 0 corrupt sources", stray])
    code, said, _ = typed(*MAKE, root, *FAST, "--out", "out", "--check")
    assert (code, said.splitlines()[-1]) == (1, stray)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["absent"], 4, "repro: --root absent: expected a folder with train and val in it, found none\n"),
        (["pictures", "--splits", ","], 2,
         "repro: --splits: expected names of folders with commas between, found none\n"),
        (["pictures", "--splits", "test"], 4,
         "repro: pictures/test: expected a folder with one folder of pictures per class, found none\n"),
        (["pictures", "--out", "pictures"], 2,
         "repro: --out pictures: the textures would lie among the photographs; name another folder\n"),
        (["pictures", "--program", "texture-synthesis"], 2,
         "repro: --program texture-synthesis: there is no such program on the PATH; install it (cargo install "
         "texture-synthesis-cli), or leave the option out for the synthesis built in\n"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(
    root: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed(*MAKE, *words) == (code, "", message)


def test_an_unknown_set_is_named(typed: Typed) -> None:
    code, _, err = typed("data", "make", "imagenet", "--root", "x")
    assert code == 2
    assert "No such command 'imagenet'" in err
    code, _, err = typed("data", "look", "imagenet", "--root", "x")
    assert code == 2
    assert "'imagenet' is not 'imagenet-texture'" in err


def test_a_run_that_is_stopped_says_so(root: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import signal

    from repro.lab.textures import tree

    def stopped(*_: object, **__: object) -> list[object]:
        os.kill(os.getpid(), signal.SIGTERM)
        return []

    monkeypatch.setattr(tree, "make", stopped)
    code, _, err = typed(*MAKE, root, *FAST)
    message = "repro: stopped; nothing finished is lost, the same command goes on from here\n"
    assert (code, err) == (Interrupted.exit_code, message)


def test_a_sheet_of_textures_is_drawn_and_measured(root: Path, typed: Typed) -> None:
    words = ("data", "look", "imagenet-texture", "--root", root, "--side", "12", "--pixels", "24")
    code, said, err = typed(*words, "--limit", "1", "-o", "t.png")
    assert (code, err) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "t.png: 2 photographs with their textures; mean distance from the patches:"
    kinds = ("texture", "phase-randomised", "tiles of 12", "tiled whole")
    for line, kind in zip(lines[1:], kinds, strict=True):
        assert re.fullmatch(rf"  {kind} +patch histograms 0\.\d{{4}}  Gram matrices \d\.\d{{4}}", line)
    with Image.open("t.png") as sheet:
        assert sheet.size == (5 * 30, 16 + 2 * 30)
    assert typed(*words, "-o", "pictures/train/n1/a.png/t.png") == (
        2,
        "",
        "repro: pictures/train/n1/a.png/t.png: a folder was expected and a file is in the way; move it or name "
        "another folder with --output\n",
    )


def test_a_sheet_frames_the_patches() -> None:
    photograph = np.zeros((48, 96, 3), np.uint8)
    row = texture_sheet.Row(photograph, [(0, 24, 40), (4, 50, 40)], {"x": np.full((48, 48, 3), 9, np.uint8)})
    texture_sheet.draw([row], path=Path("t.png"))
    with Image.open("t.png") as opened:
        sheet = np.asarray(opened)
    assert (sheet[16 + 12, 12:32] == 255).all(), "the middle patch's upper edge, at half the size, in white"
    assert (sheet[16 + 14, 25:45] == (255, 220, 0)).all(), "the other's"
    assert (sheet[16:64, 54:102] == 9).all()


def test_progress_is_told_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("repro.render.tally.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Tally(Console(file=stream, width=100), "textures", total=100, unit="images") as tally:
        for _ in range(50):
            now[0] += 1.0
            tally.step()
    assert stream.getvalue().splitlines() == [
        "  textures: 21/100, 1 images/s, 1:19 left",
        "  textures: 42/100, 1 images/s, 0:58 left",
    ]


def test_the_rate_is_that_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("repro.render.tally.time.monotonic", lambda: now[0])
    tally = Tally(Console(file=io.StringIO()), "textures", total=1000, unit="images")
    with tally:
        assert tally.rate(0.0) == ""
        for step in [0.01] * 500 + [2.0] * 60:
            now[0] += step
            tally.step()
    assert tally.rate(now[0]) == "0.5 images/s, 14:40 left"


def test_progress_is_a_bar_on_a_terminal() -> None:
    stream = io.StringIO()
    with Tally(Console(file=stream, width=100, force_terminal=True), "textures", total=2, unit="images") as tally:
        tally.step()
        tally.step()
        tally.say("a line that stays")
    assert "2/2" in stream.getvalue()
    assert "a line that stays" in stream.getvalue()
