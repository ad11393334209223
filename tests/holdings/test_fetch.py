"""Data sets brought from a real server on loopback, or from archives at hand: checked, unpacked, once, whole or not."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from repro.holdings import obtain, receipts
from tests.conftest import CHECKOUT
from tests.fetch.serving import Served, cut, page, served, status, whole
from tests.holdings import world
from tests.holdings.world import FEW

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as running:
        yield running


def _tar(folder: Path, prefix: str, mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, **({"compresslevel": 0} if mode == "w:gz" else {})) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, f"{prefix}{path.relative_to(folder).as_posix()}")
    return stream.getvalue()


def _killed(desk: Path, words: tuple[object, ...], *, at: str, times: int) -> None:
    """Type `repro WORDS` in a process that is killed when it would rename something to one of the names `at`."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nrename, met = os.replace, []\n"
        "def replace(source, target):\n"
        f"    met.append(1) if Path(target).name in {at!r}.split() else None\n"
        f"    os.kill(os.getpid(), signal.SIGKILL) if len(met) == {times} else rename(source, target)\n"
        f"os.replace = replace\nsys.argv = ['repro', *{[str(word) for word in words]!r}]\n"
        "from repro.cli import main\nmain()\n"
    )
    path = f"{CHECKOUT}:{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run([sys.executable, "-c", script], cwd=desk, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -signal.SIGKILL


def _listed(desk: Path, archive: str, content: bytes, url: str | None = None, *, has_hash: bool = True) -> None:
    """Put an archive of these bytes, at this address, in place of the one of that name in the catalogue."""
    text = (desk / "datasets.toml").read_text()
    block = re.search(rf'(?ms)^\[\[sets\.archives\]\]\nname    = "{re.escape(archive)}".*?(?=^\[\[|^# ---)', text)
    assert block
    lines = [line for line in block[0].splitlines() if not re.match(r"(url|bytes|md5|sha256|hash_by) ", line)]
    lines += [f'url = "{url or "https://nowhere.invalid/"}"']
    if has_hash:
        lines += [f"bytes = {len(content)}", f'md5 = "{hashlib.md5(content).hexdigest()}"', 'hash_by = "others"']
    else:
        lines += ['hash_by = "none"']
    (desk / "datasets.toml").write_text(text.replace(block[0], "\n".join(lines) + "\n\n"))


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    }


def _given(desk: Path, name: str, content: bytes) -> Path:
    (desk / "have").mkdir(exist_ok=True)
    (desk / "have" / name).write_bytes(content)
    return desk / "have" / name


def test_a_set_is_downloaded_unpacked_and_verified(desk: Path, typed: Typed, server: Served) -> None:
    content = _tar(world.imagenet_r(desk / "made"), "imagenet-r/")
    _listed(desk, "imagenet-r.tar", content, server.url)
    server.answers = [whole(content)]
    (desk / "repro.toml").write_text('[data]\nroot = "sets"\n')
    code, out, err = typed("data", "fetch", "imagenet-r")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"imagenet-r: imagenet-r.tar unpacked to {desk}/sets/imagenet-r",
        f'next: imagenet-r = "{desk}/sets/imagenet-r" in [data] of repro.toml',
        "next: repro data verify imagenet-r",
    ]
    assert _tree(desk / "sets/imagenet-r") == _tree(desk / "made")
    assert typed("data", "verify", "imagenet-r")[0] == 0
    assert sorted(path.name for path in (desk / "sets/imagenet-r").glob(".*")) == [".archives", ".repro-archives.json"]
    receipt = json.loads((desk / "sets/imagenet-r/.repro-archives.json").read_text())["imagenet-r.tar"]
    assert (receipt["sha256"], receipt["hash_by"]) == (hashlib.sha256(content).hexdigest(), "others")
    code, out, _ = typed("data", "fetch", "imagenet-r")
    assert code == 0
    assert out.splitlines()[0].startswith("imagenet-r.tar: was unpacked on 20")
    assert out.splitlines()[1] == f"imagenet-r: nothing unpacked to {desk}/sets/imagenet-r"
    assert len(server.asked) == 1


def test_a_cut_download_goes_on(desk: Path, typed: Typed, server: Served) -> None:
    content = _tar(world.stl10(desk / "made"), "", "w:gz")
    _listed(desk, "stl10_binary.tar.gz", content, server.url)
    server.answers = [cut(content, len(content) // 2, ETag='"one"'), whole(content)]
    code, out, err = typed("data", "fetch", "stl-10", "--to", "stl")
    assert (code, err) == (0, "")
    assert "again in 1 s" in out.splitlines()[0]
    assert _tree(desk / "stl") == _tree(desk / "made")
    assert server.asked[1]["Range"] == f"bytes={len(content) // 2}-"


def test_archives_without_a_published_hash_are_recorded_as_ours(desk: Path, typed: Typed, server: Served) -> None:
    stream = io.BytesIO()
    root = world.sketch(desk / "made")
    with zipfile.ZipFile(stream, "w") as packed:
        for path in sorted(root.rglob("*.JPEG")):
            packed.write(path, path.relative_to(root).as_posix())
    _listed(desk, "ImageNet-Sketch.zip", stream.getvalue(), server.url, has_hash=False)
    server.answers = [whole(stream.getvalue())]
    assert typed("data", "fetch", "imagenet-sketch", "--to", "sketch")[0] == 0
    assert _tree(desk / "sketch") == _tree(desk / "made/sketch")
    receipt = json.loads(Path("sketch/.repro-archives.json").read_text())["ImageNet-Sketch.zip"]
    assert (receipt["sha256"], receipt["hash_by"]) == (hashlib.sha256(stream.getvalue()).hexdigest(), "ours")


def test_archives_at_hand_are_checked_and_taken(desk: Path, typed: Typed) -> None:
    content = _tar(world.cue_conflict(desk / "made"), "cue-conflict/", "w:gz")
    own = _given(desk, "cue-conflict.tar.gz", content)
    _listed(desk, own.name, content)
    code, out, err = typed("data", "fetch", "cue-conflict", "--to", "cue", "--from", own)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "cue-conflict: cue-conflict.tar.gz unpacked to cue"
    assert _tree(desk / "cue") == _tree(desk / "made")
    assert own.exists()


def test_an_altered_archive_at_hand_is_refused(desk: Path, typed: Typed) -> None:
    content = _tar(world.cue_conflict(desk / "made"), "cue-conflict/", "w:gz")
    _listed(desk, "cue-conflict.tar.gz", content)
    own = _given(desk, "cue-conflict.tar.gz", content[:-1] + b"?")
    code, _, err = typed("data", "fetch", "cue-conflict", "--to", "cue", "--from", own)
    assert code == 4
    assert err.startswith(f"repro: cue-conflict.tar.gz: {own}: expected {len(content):,} bytes with md5 ")
    assert "the file was altered or replaced; move it away to fetch it again" in err
    assert not Path("cue").exists()


def test_corruptions_come_archive_by_archive(desk: Path, typed: Typed, server: Served) -> None:
    root = world.imagenet_c(desk / "made")
    packs = {"noise": world.CORRUPTIONS[:3], "blur": world.CORRUPTIONS[3:7], "weather": world.CORRUPTIONS[7:11]}
    packs["digital"] = world.CORRUPTIONS[11:]
    files = []
    for name, corruptions in packs.items():
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for corruption in corruptions:
                tar.add(root / corruption, corruption)
        files.append(_given(desk, f"{name}.tar", stream.getvalue()))
        _listed(desk, f"{name}.tar", stream.getvalue(), server.url)
    server.answers = [whole(files[0].read_bytes())]
    assert typed("data", "fetch", "imagenet-c", "--to", "c", "--only", "noise.tar")[0] == 0
    assert sorted(path.name for path in Path("c").iterdir() if path.name[0] != ".") == sorted(packs["noise"])
    words = [word for file in files[1:] for word in ("--from", file)]
    code, out, _ = typed("data", "fetch", "imagenet-c", "--to", "c", *words)
    assert code == 0
    assert out.splitlines()[1] == "imagenet-c: blur.tar, weather.tar, digital.tar unpacked to c"
    assert typed("data", "verify", "imagenet-c", "--folder", "c", "--workers", "1")[0] == 0
    assert not (desk / "c/spatter").exists()


def _ilsvrc(desk: Path) -> dict[str, Path]:
    """ImageNet's three archives of the tiny tree; the devkit's class numbers are not the usual order."""
    root = world.imagenet(desk / "made")
    outer = io.BytesIO()
    with tarfile.open(fileobj=outer, mode="w") as tar:
        for wnid in FEW:
            inner = _tar(root / "train" / wnid, "")
            info = tarfile.TarInfo(f"{wnid}.tar")
            info.size = len(inner)
            tar.addfile(info, io.BytesIO(inner))
    flat = io.BytesIO()
    with tarfile.open(fileobj=flat, mode="w") as tar:
        for path in sorted((root / "val").rglob("*.JPEG"), key=lambda path: path.name):
            tar.add(path, path.name)
    numbers = {wnid: len(FEW) - place for place, wnid in enumerate(FEW)}
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    synsets = np.array([(numbers[wnid], wnid, "a word", 0) for wnid in FEW] + [(99, "n0", "an animal", 2)], fields)
    meta = io.BytesIO()
    savemat(meta, {"synsets": synsets})
    kit = io.BytesIO()
    with tarfile.open(fileobj=kit, mode="w:gz") as tar:
        for name, content in (
            ("data/meta.mat", meta.getvalue()),
            ("data/ILSVRC2012_validation_ground_truth.txt", "".join(f"{numbers[wnid]}\n" for wnid in FEW).encode()),
        ):
            info = tarfile.TarInfo(f"ILSVRC2012_devkit_t12/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    found = {}
    for key, name, content in (
        ("train", "ILSVRC2012_img_train.tar", outer.getvalue()), ("val", "ILSVRC2012_img_val.tar", flat.getvalue()),
        ("devkit", "ILSVRC2012_devkit_t12.tar.gz", kit.getvalue()),
    ):  # fmt: skip
        found[key] = _given(desk, name, content)
        _listed(desk, name, content)
    return found


def test_imagenet_is_sorted_out_of_its_own_archives(desk: Path, typed: Typed) -> None:
    files = _ilsvrc(desk)
    words = [word for file in files.values() for word in ("--from", file)]
    assert typed("data", "fetch", "imagenet", "--to", "in", *words)[::2] == (0, "")
    assert _tree(desk / "in") == _tree(desk / "made")
    assert typed("data", "verify", "imagenet", "--folder", "in", "--workers", "1")[0] == 0


def test_flat_validation_images_need_the_devkit(desk: Path, typed: Typed) -> None:
    files = _ilsvrc(desk)
    code, _, err = typed("data", "fetch", "imagenet", "--to", "in", "--from", files["val"])
    assert (code, err) == (
        4,
        f"repro: {files['val']}: its images lie flat, and the devkit says which class each is of: add --from "
        "ILSVRC2012_devkit_t12.tar.gz\n",
    )
    assert not Path("in/val").exists()
    _listed(desk, files["devkit"].name, files["train"].read_bytes())
    files["devkit"].write_bytes(files["train"].read_bytes())
    code, _, err = typed("data", "fetch", "imagenet", "--to", "in", "--from", files["val"], "--from", files["devkit"])
    assert code == 4
    assert "expected a gzip file, found a tar archive" in err


def test_validation_images_in_class_folders_need_none(desk: Path, typed: Typed) -> None:
    root = world.imagenet(desk / "made")
    content = _tar(root / "val", "val/")
    own = _given(desk, "ILSVRC2012_img_val.tar", content)
    _listed(desk, own.name, content)
    assert typed("data", "fetch", "imagenet", "--to", "in", "--from", own)[0] == 0
    assert _tree(desk / "in/val") == _tree(root / "val")


def test_a_train_archive_that_was_cut_off_goes_on_class_by_class(desk: Path, typed: Typed) -> None:
    files = _ilsvrc(desk)
    words = ("data", "fetch", "imagenet", "--to", "in", "--from", files["train"])
    _killed(desk, words, at=" ".join(FEW), times=6)
    (desk / "repro.toml").write_text('[data]\nimagenet = "in"\n')
    assert "unfinished: " in typed("data", "where", "imagenet")[1]
    code, out, _ = typed("data", "verify", "imagenet")
    assert code == 1
    assert "    the whole: repro data fetch was cut off at ILSVRC2012_img_train.tar; run it again" in out.splitlines()
    stamps = {path: path.stat().st_mtime_ns for path in Path("in/train").glob("n*/*")}
    assert len(stamps) == 10
    code, out, _ = typed(*words)
    assert code == 0
    assert out.splitlines()[0] == ("ILSVRC2012_img_train.tar: the last call ended while it was unpacked; once more")
    assert _tree(desk / "in") == {f"train/{name}": content for name, content in _tree(desk / "made/train").items()}
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps, "what was whole is not unpacked again"


def test_a_move_that_was_cut_off_is_gone_on_with(desk: Path, typed: Typed) -> None:
    content = _tar(world.cue_conflict(desk / "made"), "cue-conflict/", "w:gz")
    own = _given(desk, "cue-conflict.tar.gz", content)
    _listed(desk, own.name, content)
    words = ("data", "fetch", "cue-conflict", "--to", "cue", "--from", own)
    _killed(desk, words, at="cat", times=1)
    assert 0 < len(_tree(desk / "cue")) < 32
    (desk / "repro.toml").write_text('[data]\ncue-conflict = "cue"\n')
    assert json.loads(typed("data", "list", "--json")[1])["sets"][7]["state"] == "unfinished"
    code, out, _ = typed(*words)
    assert code == 0
    assert out.splitlines()[0] == ("cue-conflict.tar.gz: the last call ended while it was moved into place; going on")
    assert _tree(desk / "cue") == _tree(desk / "made")
    assert json.loads(typed("data", "list", "--json")[1])["sets"][7]["state"] == "here"


def test_the_disk_has_the_images_before_anything_says_that_they_are_there(
    desk: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _tar(world.cue_conflict(desk / "made"), "cue-conflict/", "w:gz")
    own = _given(desk, "cue-conflict.tar.gz", content)
    _listed(desk, own.name, content)
    found = list[tuple[int, object, bool]]()

    def sync() -> None:
        unpacked = sum(path.is_file() for path in Path("cue", obtain.UNPACKING).rglob("*"))
        moving = json.loads(Path("cue", receipts.MARK).read_text())["moving"]
        found.append((unpacked, moving, Path("cue", receipts.FILE).exists()))

    monkeypatch.setattr(os, "sync", sync)
    assert typed("data", "fetch", "cue-conflict", "--to", "cue", "--from", own)[0] == 0
    assert found == [(32, [], False)]
    assert Path("cue", receipts.FILE).exists()


def test_what_lies_there_is_never_overwritten(desk: Path, typed: Typed) -> None:
    content = _tar(world.cue_conflict(desk / "made"), "cue-conflict/", "w:gz")
    own = _given(desk, "cue-conflict.tar.gz", content)
    _listed(desk, own.name, content)
    (desk / "cue/dog").mkdir(parents=True)
    (desk / "cue/dog/mine.png").write_bytes(b"mine")
    code, _, err = typed("data", "fetch", "cue-conflict", "--to", "cue", "--from", own)
    assert (code, err) == (
        2, "repro: cue/dog: is there already; move it away, or name another folder with --to\n"
    )  # fmt: skip
    assert _tree(desk / "cue") == {"dog/mine.png": b"mine"}
    files = _ilsvrc(desk)
    (desk / "in/train").mkdir(parents=True)
    code, _, err = typed("data", "fetch", "imagenet", "--to", "in", "--from", files["train"])
    assert (code, err) == (
        2,
        "repro: in/train: is there already, and nothing says that it came out of ILSVRC2012_img_train.tar; move it "
        "away, or name another folder with --to\n",
    )


def test_space_is_looked_at_first(desk: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(obtain.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    code, _, err = typed("data", "fetch", "imagenet-r", "--to", "r")
    assert (code, err) == (
        2,
        "repro: r: 4,382,159,872 bytes are needed for the archives of imagenet-r and what is in them, 1,000,000,000 "
        "are free; free some space, or name another folder with --to\n",
    )
    loaded = desk / "r/.archives/imagenet-r.tar.part"
    loaded.parent.mkdir(parents=True)
    loaded.write_bytes(b"x" * 2000)
    assert "repro: r: 4,382,157,872 bytes are needed" in typed("data", "fetch", "imagenet-r", "--to", "r")[2]
    code, _, err = typed("data", "fetch", "imagenet-r", "--to", "r", "--offline")
    assert code == 4
    assert "nothing is downloaded offline" in err


def test_what_cannot_be_loaded_says_what_to_do(desk: Path, typed: Typed) -> None:
    code, _, err = typed("data", "fetch", "imagenet", "--to", "in")
    assert (code, err) == (
        4,
        "repro: imagenet is behind a login, so nothing is loaded; next: log in at https://image-net.org/download.php "
        "and load the three archives below; the terms are between you and ImageNet; or repro data fetch imagenet --to "
        "DIR --from ILSVRC2012_img_train.tar --from ILSVRC2012_img_val.tar --from ILSVRC2012_devkit_t12.tar.gz; or "
        'where train/ and val/ are there already: imagenet = "DIR" in [data] of repro.toml\n',
    )
    for name, reason in (
        ("stylized-imagenet", "has to be made"),
        ("imagenet-texture", "has to be made"),
        ("imagenet-100", "is a part of another set"),
    ):
        code, _, err = typed("data", "fetch", name, "--to", "x")
        assert (code, err.partition(";")[0]) == (4, f"repro: {name} {reason}, so nothing is loaded")
    assert not Path("x").exists()


def test_mistakes_are_sentences(desk: Path, typed: Typed, server: Served) -> None:
    known = "noise.tar, blur.tar, weather.tar, digital.tar, extra.tar"
    fetch = ("data", "fetch", "imagenet-c", "--to", "c")
    assert typed("data", "fetch", "imagenet-c")[2] == (
        "repro: --to: expected a folder for imagenet-c, as repro.toml has neither imagenet-c nor root in its [data]\n"
    )
    assert typed(*fetch, "--from", "digital(1).tar")[2] == (
        f'repro: --from digital(1).tar: imagenet-c has the archives {known}; did you mean "digital.tar"?\n'
    )
    assert typed(*fetch, "--only", "nois.tar")[2] == (
        f'repro: --only nois.tar: imagenet-c has the archives {known}; did you mean "noise.tar"?\n'
    )
    assert typed(*fetch, "--from", "noise.tar")[2] == "repro: --from noise.tar: expected an archive, found nothing\n"
    code, _, err = typed(*fetch, "--only", "noise.tar", "--offline")
    assert code == 4
    assert "nothing is downloaded offline (--offline or REPRO_OFFLINE)" in err
    _listed(desk, "noise.tar", b"x" * 2000, server.url)
    for answer, words in ((page("gone"), "found an HTML page"), (status(404), "the server answered 404")):
        server.answers = [answer]
        code, _, err = typed(*fetch, "--only", "noise.tar")
        assert code == 4
        assert words in err
    assert not list(Path("c").glob("[!.]*"))
    Path("c/.repro-archives.json").write_text("[]")
    assert typed(*fetch)[2] == (
        "repro: c/.repro-archives.json: expected what `repro data fetch` wrote, found something else; remove it and "
        "fetch again\n"
    )
