"""A folder that has one of everything a person or a program leaves: specs, places, results, downloads, caches."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from repro.fetch import receipt
from repro.fetch.wanted import Got
from repro.files import digest, file_digest, write_whole
from repro.holdings import receipts
from repro.lab import data, evaluation
from repro.lab.images import cache
from repro.plan import code, expand
from repro.plan.expand import Options, Plan
from repro.spec import load
from repro.spec.load import Specs
from repro.store import Record, Store
from tests.judge.certificate import world as certified
from tests.trees import classes, picture

CHECKOUT = Path(__file__).resolve().parents[2]
ROW, COLUMN = "moco-k16384", "imagenet"
CLASSES = ("cat", "dog")
LABELS = np.array([0, 1, 0, 1, 0, 1, 0, 1])
WHEN = "2026-01-01T00:00:00+00:00"
PLACES = """\
weights = "weights"
cache = "cache"
[data]
root = "sets"
imagenet = "photographs"
photographs = "photographs"
"""


@dataclass(frozen=True)
class World:
    """Where it is, and what was planned of its results."""

    root: Path
    specs: Specs
    plan: Plan
    certified: certified.World  # results of their own, with their certificate in `certificate.json`

    @property
    def store(self) -> Store:
        """Its results, read anew."""
        return Store(self.root / "results")

    @property
    def measured(self) -> str:
        """A finished evaluation."""
        return self.plan.cells[ROW, COLUMN][0]


def build(root: Path) -> World:
    """Make it; `root` is the current folder whenever something is tried in it (`inside`)."""
    for name in ("tables", "figures", "profiles"):
        shutil.copytree(CHECKOUT / name, root / name)
    for name in ("checkpoints.toml", "datasets.toml"):
        shutil.copy(CHECKOUT / name, root / name)
    (root / "repro.toml").write_text(PLACES)
    for split in ("train", "val"):
        classes(root / "photographs" / split, ("n02099601", "n02123045"), each=2)
    (root / "photographs" / "superclasses.toml").write_text('n02099601 = "dog"\n')
    _archives(root / "archives")
    _set(root / "set")
    _cache(root)
    with inside(root):
        specs, means = load.specs(), load.profile("mini")
        options = Options(seeds=[0, 1], rows=[ROW, "moco-k8192"], columns=[COLUMN])
        bare = specs.table("table1").model_copy(update={"claims": []})  # which are judged in the command lines
        plan = expand.expand(specs.tables, bare, means, options)
    for name in ("results", "other"):
        _results(Store(root / name), plan)
    _receipts(root)
    other = certified.build(root / "certified", columns=("imagenet", "imagenet-c"), seeds=(0,))
    (root / "certificate.json").write_text(json.dumps(other.certificate()))
    return World(root, specs, plan, other)


@contextmanager
def inside(root: Path) -> Iterator[None]:
    """Work in a folder, with no word of the environment about other places or a network."""
    before = Path.cwd()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPRO_")}
    with patch.dict(os.environ, {**kept, "REPRO_OFFLINE": "1", "HOME": str(root), "COLUMNS": "80"}, clear=True):
        os.chdir(root)
        try:
            yield
        finally:
            os.chdir(before)


def _results(store: Store, plan: Plan) -> None:
    """A record of every job of the plan; predictions of the evaluations, right six and five times of eight."""
    store.prepare()
    for job in plan.jobs.values():
        folder, files, values = store.folder(job.id), [], {"digest": "d"}
        folder.mkdir(parents=True)
        if job.kind == "evaluate":
            wrong = np.arange(8) < (3 if job.label.endswith("seed 1") else 2)
            about = evaluation.About(CLASSES, CLASSES)
            columns = {"labels": LABELS, "predictions": np.where(wrong, 1 - LABELS, LABELS)}
            files, values = [evaluation.write(folder, columns, about)], {"top1": 100.0 * float((~wrong).mean())}
        elif job.kind == "data":
            place = str(store.root.parent / "photographs")
            (folder / data.PLACE).write_text(json.dumps({"root": place, "place": place}))
        elif job.kind == "pretrain":
            (folder / "encoder.safetensors").write_bytes(safetensors())
            files, values = ["encoder.safetensors"], {"loss": [1.0, 0.5]}
        held = {name: {"sha256": file_digest(folder / name), "bytes": (folder / name).stat().st_size} for name in files}
        where = {"python": "3.11", "packages": {"torch": "2.6"}, "processes": 1}
        store.write(Record(job.id, job.content, job.label, values, held, WHEN, 1.5, 1.0, where))
    store.fail(next(job for job in plan.jobs), "the loss is not a number")
    code.remember(store.sources)
    rules = {"stamp": "0" * 12, "noted": WHEN, "after_results": True, "rules": {"policy": {"level": 0.05}}}
    store.keep_rules(f"{plan.table.id}-{plan.profile.id}", [rules])


def safetensors() -> bytes:
    """A tiny weight file, made by hand: a header of JSON behind its length, then numbers."""
    header = {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    header["b"] = {"dtype": "I64", "shape": [1], "data_offsets": [16, 24]}
    return framed(json.dumps({"__metadata__": {"format": "pt"}, **header}).encode(), bytes(range(24)))


def framed(header: bytes, content: bytes) -> bytes:
    """A file of safetensors with this header."""
    return len(header).to_bytes(8, "little") + header + content


def _archives(folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(folder / "a.tar", "w") as tar, zipfile.ZipFile(folder / "a.zip", "w") as packed:
        for name, content in (("top/one.txt", b"one" * 50), ("top/in/two.txt", b""), ("top/p.jpg", picture())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            packed.writestr(name, content)
    with tarfile.open(folder / "a.tar.gz", "w:gz") as tar:
        tar.add(folder / "a.zip", arcname="top/a.zip")


def _set(folder: Path) -> None:
    """A data set of drawn arrays as a job leaves it."""
    pictures = np.zeros((2, 3, 8, 8), np.uint8)
    data.write(data.Images(pictures, np.arange(2), CLASSES, names=np.array(["a", "b"])), folder)


def _cache(root: Path) -> None:
    """A set of files, and the cache of it."""
    files = listed(root)
    folder = root / "packed"
    folder.mkdir()
    packed = b"".join(bytes([place]) * 3 * 8 * 8 for place in range(len(files)))
    (folder / "00000.pack").write_bytes(packed)
    cells = np.array([[0, 192 * place, 8, 8] for place in range(len(files))])
    np.savez(folder / cache.INDEX, paths=files.paths, cells=cells)
    held = {"layout": cache.LAYOUT, "listing": cache.listing(files), "side": 8, "images": len(files)}
    held |= {"index": file_digest(folder / cache.INDEX), "shards": [["00000.pack", file_digest(folder / "00000.pack")]]}
    write_whole(folder / cache.ABOUT, json.dumps({**held, "digest": digest(held)}))


def listed(root: Path) -> data.Files:
    """The photographs for training as a set of files."""
    top = root / "photographs" / "train"
    paths = sorted(path.relative_to(top).as_posix() for path in top.rglob("*.JPEG"))
    sizes = np.array([(top / path).stat().st_size for path in paths])
    return data.Files(top, np.array(paths), sizes, resize=8, pixels=8)


def _receipts(root: Path) -> None:
    """A weight file with the receipt of its download, and a folder with one of an archive."""
    path = root / "weights" / "own.safetensors"
    path.parent.mkdir()
    path.write_bytes(safetensors())
    got = Got(path, path.stat().st_size, file_digest(path))
    receipt.write(got, url="https://example.org/own", hash_by="ours", published=None, before=())
    (root / "sets" / "imagenet-r").mkdir(parents=True)
    receipts.note(root / "sets" / "imagenet-r", "a.tar", receipts.Receipt(10, "0" * 64, "ours", WHEN))
