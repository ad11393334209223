"""The tree of textures: what is made of which source, what is remade, what a killed run leaves, what is refused."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.errors import DataMissing, JobFailed, StoreError, UsageError
from repro.lab.seeds import derive
from repro.lab.textures import comparison, external, making, pictures, tree
from repro.lab.textures.making import Order, Outcome, Task, carry_out
from tests.conftest import CHECKOUT

PIXELS, SIDE = 24, 12


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four photographs in two classes and two splits."""
    for i, name in enumerate(("train/n1/a.jpg", "train/n1/b.png", "train/n2/c.d.jpg", "val/n1/e.JPEG")):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


def _order(**changes: object) -> Order:
    plain = {
        "pixels": PIXELS, "side": SIDE, "form": "jpeg", "seed": 0, "program": "own", "command": "", "only_check": False,
    }  # fmt: skip
    return tree.order(**(plain | changes))  # type: ignore[arg-type]


def _tasks(root: Path, order: Order, limit: int | None = None) -> list[Task]:
    return tree.tasks(root, root.with_name("out"), ["train", "val"], order, limit=limit)


def _here(root: Path, **changes: object) -> dict[str, Outcome]:
    """Carry out every task in this process."""
    order = _order(**changes)
    return {task.name: carry_out(task, order) for task in _tasks(root, order)}


def _how(root: Path, **changes: object) -> list[str]:
    return [each.how for each in _here(root, **changes).values()]


def _files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------------------------- what is made


def test_each_photograph_has_a_texture_of_its_name(root: Path) -> None:
    assert _how(root) == ["made"] * 4
    made = _files(root.with_name("out"))
    assert list(made) == ["train/n1/a.jpg", "train/n1/b.jpg", "train/n2/c.d.jpg", "val/n1/e.jpg"]
    for content in made.values():
        with Image.open(io.BytesIO(content)) as opened:
            assert (opened.size, opened.mode, opened.format) == ((PIXELS, PIXELS), "RGB", "JPEG")


def test_a_file_says_what_it_was_made_from(root: Path) -> None:
    _here(root, form="png")
    with Image.open(root.with_name("out") / "train/n1/b.png") as opened:
        note = json.loads(opened.info["Comment"])
    digest = subprocess.run(["sha256sum", root / "train/n1/b.png"], capture_output=True, text=True, check=True).stdout
    assert note == {
        "schema": "repro-texture/1",
        "source_sha256": digest.split()[0],
        "seed": derive(0, "texture/train/n1/b"),
        "settings": _order(form="png").settings,
        "program": "own",
    }


def test_settings_that_shape_a_texture_change_the_digest() -> None:
    changes = ({"pixels": 25}, {"side": None}, {"form": "png"}, {"command": "/bin/x"})
    digests = [_order(**change).settings for change in ({}, *changes)]
    assert len(set(digests)) == 5
    assert _order(seed=1).settings == _order(only_check=True).settings == digests[0]


def test_processes_make_the_same_bytes_as_this_one(root: Path) -> None:
    _here(root)
    here = _files(root.with_name("out"))
    for workers in (1, 2):
        elsewhere = root.with_name(f"out{workers}")
        todo = tree.tasks(root, elsewhere, ["train", "val"], _order(), limit=None)
        assert sorted(each.how for each in tree.make(todo, _order(), workers=workers)) == ["made"] * 4
        assert _files(elsewhere) == here


def test_a_limit_is_spread_over_a_split(root: Path) -> None:
    assert [task.name for task in _tasks(root, _order(), limit=2)] == ["train/n1/a", "train/n1/b", "val/n1/e"]
    assert [task.name for task in _tasks(root, _order(), limit=1)] == ["train/n1/a", "val/n1/e"]


def test_hidden_files_and_notes_are_no_photographs(root: Path) -> None:
    for name in ("train/n1/.x.jpg", "train/n1/readme.txt", "train/n1/.h/y.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    assert len(_tasks(root, _order())) == 4


# ------------------------------------------------------------------------------------------------- what is remade


def _spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "foreign":
        Image.new("RGB", (PIXELS, PIXELS)).save(path, "JPEG")
    elif how == "size":
        with Image.open(io.BytesIO(content)) as opened:
            opened.resize((9, 9)).save(path, "JPEG", comment=opened.info["comment"])
    elif how == "mode":
        with Image.open(io.BytesIO(content)) as opened:
            opened.convert("L").save(path, "JPEG", comment=opened.info["comment"])


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("truncated", "cannot be read"),
        ("empty", "cannot be read"),
        ("foreign", "made from something else, or by something else"),
        ("size", "9 x 9 RGB in place of 24 x 24 RGB"),
        ("mode", "24 x 24 L in place of 24 x 24 RGB"),
    ],
)
def test_what_is_wrong_is_remade_and_nothing_else(root: Path, how: str, reason: str) -> None:
    _here(root)
    before = _files(root.with_name("out"))
    path = root.with_name("out") / "train/n1/b.jpg"
    _spoil(path, how)
    checked = _here(root, only_check=True)
    assert [each.how for each in checked.values()] == ["there", "wrong", "there", "there"]
    assert checked["train/n1/b"].reason == reason
    found = _here(root)
    assert [each.how for each in found.values()] == ["there", "remade", "there", "there"]
    assert found["train/n1/b"].reason == reason
    assert _files(root.with_name("out")) == before


def test_another_photograph_seed_or_setting_is_noticed(root: Path) -> None:
    _here(root)
    os.replace(root / "train/n1/a.jpg", root / "train/n2/c.d.jpg")
    assert _how(root) == ["there", "remade", "there"]
    assert _how(root, seed=1) == ["remade"] * 3
    assert _how(root, seed=1) == ["there"] * 3
    assert _how(root, seed=1, side=10) == ["remade"] * 3


def test_a_check_makes_nothing(root: Path) -> None:
    assert _how(root, only_check=True) == ["missing"] * 4
    assert not root.with_name("out").exists()


def test_pictures_of_another_format_are_strays(root: Path) -> None:
    _here(root)
    todo = _tasks(root, _order(form="png"))
    _here(root, form="png")
    out = root.with_name("out")
    assert tree.strays(todo, out, ["train", "val"]) == [
        "train/n1/a.jpg", "train/n1/b.jpg", "train/n2/c.d.jpg", "val/n1/e.jpg",
    ]  # fmt: skip
    assert tree.strays(todo, out.with_name("absent"), ["train"]) == []


# ------------------------------------------------------------------------------------------------- sources


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "RGBA", "1", "I;16"])
def test_every_kind_of_photograph_is_read(mode: str) -> None:
    stream = io.BytesIO()
    whole = Image.new("I;16", (20, 20)) if mode == "I;16" else Image.new("RGB", (20, 20), (200, 10, 30)).convert(mode)
    whole.save(stream, "TIFF" if mode == "CMYK" else "PNG")
    assert pictures.read(stream.getvalue()).shape == (20, 20, 3)


def test_corrupt_photographs_are_told_apart_and_the_rest_is_made(root: Path) -> None:
    (root / "train/n1/b.png").write_bytes(b"")
    (root / "train/n2/x.jpg").write_bytes(b"no picture at all")
    content = (root / "train/n2/c.d.jpg").read_bytes()
    (root / "train/n2/y.jpg").write_bytes(content[:-200])
    Image.new("RGB", (11, 40)).save(root / "val/n1/z.png")
    Image.new("CMYK", (20, 20)).save(root / "val/n1/w.jpg")
    found = _here(root)
    assert {name: (each.how, each.reason) for name, each in found.items() if each.how != "made"} == {
        "train/n1/b": ("corrupt", "empty"),
        "train/n2/x": ("corrupt", "no picture of a known kind"),
        "train/n2/y": ("corrupt", found["train/n2/y"].reason),
        "val/n1/z": ("corrupt", "11 x 40 pixels are too few for patches of 12 x 12; name a --side"),
    }
    assert found["train/n2/y"].reason.startswith("image file is truncated")


def test_a_photograph_that_cannot_be_opened_is_corrupt(root: Path) -> None:
    task = Task("train/n1/gone", root / "train/n1/gone.jpg", root / "gone.jpg", 0)
    assert carry_out(task, _order()).reason == "No such file or directory"


def test_the_side_follows_the_image(root: Path) -> None:
    for height, width, side in ((96, 200, 96), (95, 200, 48), (48, 48, 48)):
        assert {len(each) for each in making.cut(np.zeros((height, width, 3), np.uint8), None, seed=0)} == {side}
    with pytest.raises(ValueError, match="47 x 48 pixels are too few for patches of 48 x 48; name a --side"):
        making.cut(np.zeros((48, 47, 3), np.uint8), None, seed=0)


def test_two_photographs_of_one_name_are_not_one(root: Path) -> None:
    Image.new("RGB", (20, 20)).save(root / "train/n1/a.png")
    found = list(tree.make(_tasks(root, _order()), _order(), workers=1))
    assert (found[0].how, found[0].reason) == ("corrupt", "a.png has the name of a.jpg but for its suffix")
    assert [each.how for each in found[1:]] == ["made"] * 4


def test_what_cannot_be_done_is_refused(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for given, splits, error, message in (
        (root / "absent", ["train", "val"], DataMissing,
         f"--root {root / 'absent'}: expected a folder with train and val in it, found none"),
        (root, ["test"], DataMissing,
         f"{root / 'test'}: expected a folder with one folder of pictures per class, found none"),
        (root, ["../train"], UsageError,
         f"--splits ../train: expected names of folders in {root}, with commas between"),
    ):  # fmt: skip
        with pytest.raises(error) as raised:
            tree.tasks(given, out, splits, _order(), limit=None)
        assert str(raised.value) == message
    with pytest.raises(UsageError) as refused:
        tree.tasks(root, root, ["train"], _order(), limit=None)
    assert str(refused.value) == f"--out {root}: the textures would lie among the photographs; name another folder"


def test_a_folder_that_cannot_be_written_ends_it_with_a_sentence(root: Path) -> None:
    root.with_name("out").write_text("in the way")
    with pytest.raises(StoreError, match="name another folder with --out"):
        list(tree.make(_tasks(root, _order()), _order(), workers=1))


# ------------------------------------------------------------------------------------------------- interruptions


def test_a_killed_run_is_gone_on_with(root: Path) -> None:
    for i in range(20):
        pixels = np.random.default_rng(i).integers(0, 256, (60, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"train/n1/k{i:02}.png")
    out = root.with_name("out")
    words = ["data", "make", "imagenet-texture", "--root", str(root), "--out", str(out), "--side", "12"]
    command = [sys.executable, "-m", "repro", *words, "--pixels", "96", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(out.rglob("*.jpg"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = _files(out)
    order = _order(pixels=96)
    todo = tree.tasks(root, out, ["train", "val"], order, limit=None)
    found = [each.how for each in tree.make(todo, order, workers=2)]
    whole = [name for name in left if not Path(name).name.startswith(".")]
    assert 3 <= len(whole) < 24
    assert (found.count("there"), found.count("made")) == (len(whole), 24 - len(whole))


def test_workers_end_with_their_parent(root: Path) -> None:
    code = """
import multiprocessing, os, sys
from pathlib import Path
from repro.lab.textures import tree
if __name__ == "__main__":
    order = tree.order(pixels=24, side=12, form="jpeg", seed=0, program="own", command="", only_check=False)
    todo = tree.tasks(Path(sys.argv[1]), Path(sys.argv[2]), ["train"], order, limit=None)
    outcomes = tree.make(todo, order, workers=1)
    next(outcomes)
    print(*[each.pid for each in multiprocessing.active_children()], flush=True)
    os._exit(9)
"""
    script = root / "run.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, str(script), str(root), str(root.with_name("out"))]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 9
    pids = [int(word) for word in done.stdout.split()]
    assert pids
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_parts_that_a_killed_worker_left_are_swept_up_when_old(root: Path) -> None:
    folder = root.with_name("out") / "train/n1"
    folder.mkdir(parents=True)
    old, new = folder / ".a.jpg.x.part", folder / ".a.jpg.y.part"
    for part in (old, new):
        part.write_bytes(b"")
    os.utime(old, (0, 0))
    list(tree.make(_tasks(root, _order()), _order(), workers=1))
    assert (old.exists(), new.exists()) == (False, True)


def test_a_worker_that_dies_ends_it_with_a_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tree, "_outcomes", lambda pool, waiting, order, ahead: iter([pool.submit(os._exit, 3).result()])
    )
    with pytest.raises(JobFailed) as raised:
        list(tree.make(_tasks(root, _order()), _order(), workers=1))
    assert str(raised.value) == (
        "a worker was killed, perhaps as memory ran out; nothing finished is lost: run the same command again, "
        "with a smaller --workers"
    )


# ------------------------------------------------------------------------------------------------- the program


def _program(folder: Path, body: str, *, version: str = "texture-synthesis 0.8.2") -> str:
    """A small program that stands for the real one; it gets the words of its command line as sys.argv."""
    folder.mkdir(exist_ok=True)
    path = folder / "texture-synthesis"
    path.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        f"if sys.argv[1] == '--version':\n    print({version!r})\n    sys.exit()\n{body}"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


RIGHT = """
from PIL import Image
words = sys.argv[1:]
made, size = words[words.index("--out") + 1], int(words[words.index("--out-size") + 1])
first, second = words[words.index("generate") + 1 :]
assert words[words.index("--threads") + 1] == "1"
assert Image.open(first).size == Image.open(second).size == (12, 12)
Image.open(second).resize((size, size), Image.Resampling.NEAREST).save(made)
"""


def test_the_program_is_found_and_used(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _program(tmp_path / "bin", RIGHT)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    command, version = external.find()
    assert (command, version) == (path, "texture-synthesis 0.8.2")
    changes = {"program": version, "command": command, "form": "png"}
    assert _how(root, **changes) == ["made"] * 4
    assert _how(root, **changes) == ["there"] * 4
    task = next(each for each in _tasks(root, _order(**changes)) if each.name == "train/n1/b")
    other = making.cut(pictures.read(task.source.read_bytes()), SIDE, seed=task.seed)[1]
    assert (pictures.read(task.target.read_bytes())[::2, ::2] == other).all()
    assert _how(root, form="png") == ["remade"] * 4


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('error: no', file=sys.stderr)\nsys.exit(3)", "texture-synthesis ended with 3: error: no"),
        ("pass", "texture-synthesis ended with 0: no message"),
        ("time.sleep(60)", "texture-synthesis did not end within 0.5 s"),
        ("open(sys.argv[sys.argv.index('--out') + 1], 'w').write('x')",
         "texture-synthesis wrote a picture that cannot be read: no picture of a known kind"),
        ("from PIL import Image\nImage.new('RGB', (7, 9)).save(sys.argv[sys.argv.index('--out') + 1])",
         "texture-synthesis wrote 7 x 9 in place of 24 x 24"),
    ],
)  # fmt: skip
def test_a_program_that_fails_says_why(tmp_path: Path, body: str, message: str) -> None:
    path = _program(tmp_path / "bin", body)
    seconds = 0.5 if "sleep" in body else 60.0
    with pytest.raises(ValueError, match=f"^{message}$"):
        external.texture([np.zeros((12, 12, 3), np.uint8)] * 2, pixels=24, seed=1, program=path, seconds=seconds)


def test_a_program_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^texture-synthesis cannot be started: No such file or directory$"):
        external.texture([np.zeros((12, 12, 3), np.uint8)], pixels=24, seed=1, program=str(tmp_path / "x"), seconds=1)


def test_a_program_that_is_absent_or_silent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UsageError) as absent:
        external.find()
    assert str(absent.value) == (
        "--program texture-synthesis: there is no such program on the PATH; install it (cargo install "
        "texture-synthesis-cli), or leave the option out for the synthesis built in"
    )
    path = _program(tmp_path / "bin", "", version="")
    with pytest.raises(UsageError) as silent:
        external.find()
    assert str(silent.value) == (
        f"--program texture-synthesis: {path} --version says nothing; expected a name and a version"
    )


def test_a_program_that_only_fails_ends_it() -> None:
    def outcomes(hows: list[str]) -> Iterator[Outcome]:
        return iter([Outcome("x", how, "why", 0.0) for how in hows])  # type: ignore[arg-type]

    with pytest.raises(JobFailed) as raised:
        list(tree._hopeful(outcomes(["failed"] * 9)))
    assert str(raised.value) == "the first 8 images all failed, the last one thus: why"
    assert len(list(tree._hopeful(outcomes(["failed"] * 7 + ["made"] + ["failed"] * 9)))) == 17


# ------------------------------------------------------------------------------------------------- comparison


def test_a_comparison_leaves_out_what_cannot_be_read(root: Path) -> None:
    (root / "train/n1/a.jpg").write_bytes(b"")
    found = comparison.compare(_tasks(root, _order()), _order())
    assert len(found) == 3
    assert list(found[0].pictures) == ["texture", "phase-randomised", "tiles of 12", "tiled whole"]
    assert found[0].places[0] == (4, 9, 12)
    assert (comparison.compare(_tasks(root, _order())[1:2], _order())[0].photograph == found[0].photograph).all()
    means = comparison.means(found)
    assert means["texture"][0] == pytest.approx(sum(each.distances["texture"][0] for each in found) / 3)


def test_a_comparison_of_nothing_is_refused(root: Path) -> None:
    (root / "train/n1/a.jpg").write_bytes(b"")
    with pytest.raises(DataMissing) as raised:
        comparison.compare(_tasks(root, _order())[:1], _order())
    assert str(raised.value) == f"none of 1 photographs gave a texture; {root / 'train/n1/a.jpg'}: empty"
