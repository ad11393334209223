"""Every kind of file that is read, each with how it is broken and what then reads it."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np

from repro.errors import JobFailed
from repro.fetch import arrival, receipt
from repro.fetch.archive import unpack
from repro.fetch.wanted import Wanted
from repro.files import digest, file_digest
from repro.holdings import receipts
from repro.judge import matching, paired, regression
from repro.judge.board import assemble
from repro.judge.certificate import reading, verification
from repro.judge.certificate.grounds import Now
from repro.judge.policy import STANDARD
from repro.lab import data, evaluation
from repro.lab.images import cache, decoding, superclasses
from repro.lab.weights import file as weights
from repro.plan import code
from repro.run.worker import Asked, Worker
from repro.spec import catalogue, load, locations
from repro.spec.places import Faults
from repro.store import Store, identity
from repro.verbs.planning import settle
from tests.fuzz import mutations, world
from tests.fuzz.world import World
from tests.judge.certificate.world import sealed
from tests.trees import picture

_READ: dict[Path, Any] = {}
Broken = Callable[[Random, bytes], bytes]


@dataclass(frozen=True)
class Target:
    """A file of the world, how a variant of it is made, and what reads that."""

    path: Callable[[World, Random], Path]
    variant: Broken
    read: Callable[[World, Path], object]


def _fixed(name: str) -> Callable[[World, Random], Path]:
    return lambda there, _: there.root / name


def _one_of(*patterns: str) -> Callable[[World, Random], Path]:
    return lambda there, random: random.choice([path for each in patterns for path in sorted(there.root.glob(each))])


def _of_job(kind: str, name: str) -> Callable[[World, Random], Path]:
    def path(there: World, random: Random) -> Path:
        jobs = [job.id for job in there.plan.jobs.values() if job.kind == kind]
        return there.store.folder(random.choice(jobs)) / name

    return path


def _judged(there: World, _: Path) -> object:
    """What a check, a plan and a run read of a results folder."""
    store = there.store
    for job in there.plan.jobs:
        record = store.read(job)
        if record is not None:
            store.verify(record)
        store.failure(job)
    return assemble(there.specs.tables, there.plan, store)


def _set_side_by_side(there: World, path: Path) -> object:
    """What `repro diff` makes of two results folders; an evaluation's record has the hash of its answers, whatever."""
    if path.name == evaluation.FILE:
        store, job = there.store, path.parent.name
        record = store.read(job)
        assert record is not None
        held = {path.name: {"sha256": file_digest(path), "bytes": path.stat().st_size}}
        store.write(replace(record, files=held))
    first, second = (matching.side(str(there.root / name)) for name in ("results", "other"))
    paired.pairs(first, second, read=evaluation.read)
    return regression.regressions(first, second, read=evaluation.read)


def _specs(there: World, changed: Path) -> object:
    """All tables and figures with one of them changed; the others, which are the same each time, are parsed once."""
    read = load._read

    def remembered(path: Path, kind: Any) -> Any:
        if path == changed:
            return read(path, kind)
        if path not in _READ:
            _READ[path] = read(path, kind)
        faults, table = _READ[path]
        return Faults(path, faults.text), table

    with patch.object(load, "_read", remembered):
        return load.specs()


def _resealed(random: Random, content: bytes) -> bytes:
    """A record with other content and a digest that fits, as somebody makes who wants it believed."""
    body = mutations.changed(random, json.loads(content))
    if isinstance(body, dict):
        body.pop("digest", None)
        with suppress(KeyError, TypeError, ValueError, AttributeError, RecursionError):
            if random.random() < 0.5:
                body["id"] = identity(body["job"])
            body["digest"] = digest(body)
    return json.dumps(body, default=str).encode()


def _sealed(random: Random, content: bytes) -> bytes:
    """The same of a cache's description."""
    body = mutations.changed(random, {key: part for key, part in json.loads(content).items() if key != "digest"})
    if isinstance(body, dict):
        with suppress(TypeError, ValueError, RecursionError):
            body["digest"] = digest(body)
    return json.dumps(body, default=str).encode()


def _either(one: Broken, other: Broken) -> Broken:
    return lambda random, content: random.choice((one, other))(random, content)


def arrays(random: Random, content: bytes) -> bytes:
    """A file of numpy's arrays, damaged or with arrays of other kinds, shapes and claims."""
    if random.random() < 0.4:
        return mutations.damaged(random, content)
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        entries = {name: held.read(name) for name in held.namelist()}
    name = random.choice(sorted(entries))
    match random.randrange(4):
        case 0:
            entries[name] = mutations.damaged(random, entries[name])
        case 1:
            entries[name] = _array(random, entries[name])
        case 2:
            entries[name] = entries[random.choice(sorted(entries))]
        case _:
            entries[random.choice((*mutations.TEXTS[:20], "about.npy"))] = entries.pop(name)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as packed:
        for name, part in entries.items():
            packed.writestr(zipfile.ZipInfo(name or "x"), part)
    return stream.getvalue()


def _array(random: Random, content: bytes) -> bytes:
    """One array in place of another: odd in kind, in shape, in numbers, or said to be of any size."""
    held = np.load(io.BytesIO(content), allow_pickle=False)
    stream = io.BytesIO()
    if held.dtype.kind == "U" and held.ndim == 0 and random.random() < 0.8:
        said = mutations.of_json(random, str(held).encode()).decode(errors="replace")
        np.save(stream, np.array(said.replace("\0", "")))
        return stream.getvalue()
    if random.random() < 0.3:
        shape = random.choice(((10**12,), (2**62, 2), (-1,), (10**9,), (0,), (2,) * 40))
        kind = random.choice(("<i8", "|O", "<f8", "|V0", "<U1000000", "|S0", "<M8[s]"))
        header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117) + "\n"
        return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)
    kinds = ("f8", "i1", "u8", "bool", "c16", "U3", "M8[s]")
    shapes = ((), (0,), (1,), (8,), (9,), (8, 1), (2, 4), (1, 8, 1), (4,))
    shape = random.choice(shapes)
    numbers = np.array([random.choice((0, 1, -1, 7, 100)) for _ in range(int(np.prod(shape)))], dtype="i8")
    np.save(stream, numbers.reshape(shape).astype(random.choice(kinds)))
    return stream.getvalue()


def tensors(random: Random, content: bytes) -> bytes:
    """A file of safetensors, damaged or with a header that says other things."""
    if random.random() < 0.4:
        return mutations.damaged(random, content)
    length = int.from_bytes(content[:8], "little")
    header = mutations.of_json(random, content[8 : 8 + length])
    framed = world.framed(header, content[8 + length :])
    return framed if random.random() < 0.8 else random.choice((0, 1, 2**63, 2**40)).to_bytes(8, "little") + framed[8:]


def _worked(read: Callable[[World, Path], object]) -> Callable[[World, Path], object]:
    """As a worker reads it, which tells whatever goes wrong as a sentence of its job."""

    def worked(there: World, path: Path) -> object:
        told, store = io.StringIO(), Store(there.root / "worked")
        one = Asked(there.plan.jobs[there.measured].content, "read")
        with Worker(store, told, loaders=0, processes=1)._telling([one]):
            return read(there, path)
        (event,) = [json.loads(line) for line in told.getvalue().splitlines()]
        assert (event["event"], event["id"]) == ("failed", one.job)
        raise JobFailed(event["reason"])

    return worked


def _verified(there: World, path: Path) -> object:
    """What `repro verify` reads: the certificate, and all that it speaks of."""
    held, document = reading.read(there.root / "certificate.json")
    other = there.certified
    now = Now(other.tables, other.plan.profile, "", STANDARD, {})
    return verification.verify(held, document, Store(other.store.root), now=now)


def _certificate(random: Random, content: bytes) -> bytes:
    """One that says other things, with a digest that fits."""
    document = mutations.changed(random, json.loads(content))
    try:
        return json.dumps(sealed(document), default=str).encode()
    except (TypeError, ValueError, AttributeError, RecursionError):
        return json.dumps(document, default=str).encode()


def _settled(there: World, _: Path) -> object:
    """What a run does with the places of listed sets, as if those of the plan were such."""
    place = str(there.root / "photographs")
    jobs = {job: replace(one, spec={**one.spec, "place": place}) for job, one in there.plan.jobs.items()}
    return settle(replace(there.plan, jobs=jobs), there.store)


def _unpacked(there: World, path: Path) -> object:
    try:
        return unpack(path, there.root / "unpacked", strip="top")
    finally:
        shutil.rmtree(there.root / "unpacked", ignore_errors=True)


def _image(random: Random, _: bytes) -> bytes:
    return mutations.damaged(
        random, picture(random.randrange(9), form=random.choice(("JPEG", "PNG", "GIF", "BMP", "TIFF")))
    )


TARGETS: Mapping[str, Target] = {
    "tables": Target(_one_of("tables/*.toml", "figures/*.toml"), mutations.of_toml, _specs),
    "profiles": Target(
        _one_of("profiles/*.toml"), mutations.of_toml, lambda _, path: load.profile(f"profiles/{path.name}")
    ),
    "expected": Target(
        _one_of("profiles/expected/*.toml"), mutations.of_toml, lambda _, path: load.profile(f"profiles/{path.name}")
    ),
    "checkpoints.toml": Target(
        _fixed("checkpoints.toml"),
        mutations.of_toml,
        lambda there, _: load.checkpoints(there.specs.tables, there.root / "weights"),
    ),
    "datasets.toml": Target(_fixed("datasets.toml"), mutations.of_toml, lambda *_: catalogue.read()),
    "repro.toml": Target(_fixed("repro.toml"), mutations.of_toml, lambda *_: locations.load()),
    "superclasses.toml": Target(
        _fixed("photographs/superclasses.toml"),
        mutations.of_toml,
        _worked(
            lambda _, path: superclasses.parents(path.parent, superclass="dog", classes=("n02099601", "n02123045"))
        ),
    ),
    "records": Target(_one_of("results/*/*/record.json"), _either(mutations.of_json, _resealed), _judged),
    "records of two": Target(
        _one_of("results/*/*/record.json"), _either(mutations.of_json, _resealed), _set_side_by_side
    ),
    "predictions": Target(_of_job("evaluate", "predictions.npz"), arrays, _set_side_by_side),
    "failures": Target(_one_of("results/*/*/failure.json"), mutations.of_json, _judged),
    "rules": Target(_one_of("results/rules/*.json"), mutations.of_json, _judged),
    "sources": Target(_fixed("results/code.json"), mutations.of_json, lambda _, path: code.recall(path)),
    "receipts of weights": Target(
        _fixed("weights/own.safetensors.json"), mutations.of_json, lambda _, path: receipt.read(path.with_suffix(""))
    ),
    "receipts of archives": Target(
        _fixed("sets/imagenet-r/.repro-archives.json"),
        mutations.of_json,
        lambda _, path: receipts.receipts(path.parent),
    ),
    "cache.json": Target(
        _fixed("packed/cache.json"), _either(mutations.of_json, _sealed), _worked(lambda there, _: _packed(there))
    ),
    "cache index": Target(_fixed("packed/index.npz"), arrays, _worked(lambda there, _: _packed(there))),
    "set: info.json": Target(
        _fixed("set/info.json"), mutations.of_json, _worked(lambda _, path: data.read(path.parent))
    ),
    "set: targets.npz": Target(_fixed("set/targets.npz"), arrays, _worked(lambda _, path: data.read(path.parent))),
    "set: images.npy": Target(
        _fixed("set/images.npy"), mutations.damaged, _worked(lambda _, path: data.read(path.parent))
    ),
    "place.json": Target(_of_job("data", "place.json"), mutations.of_json, _settled),
    "certificates": Target(_fixed("certificate.json"), _either(mutations.of_json, _certificate), _verified),
    "certified results": Target(
        _one_of("certified/*/*/*.json", "certified/rules/*.json"), _either(mutations.of_json, _resealed), _verified
    ),
    "certified predictions": Target(_one_of("certified/*/*/*.npz"), arrays, _verified),
    "safetensors": Target(_fixed("weights/own.safetensors"), tensors, lambda _, path: weights.read(path)),
    "arrivals": Target(
        _fixed("weights/own.safetensors"),
        tensors,
        lambda _, path: arrival.check(
            Wanted("own", "https://own", None, None, "none"), path, target=path, is_kept=True
        ),
    ),
    "archives": Target(_one_of("archives/*"), mutations.damaged, _unpacked),
    "images": Target(
        _fixed("photographs/train/n02099601/n02099601_0.JPEG"), _image, lambda _, path: decoding.opened(path)
    ),
}


def _packed(there: World) -> Any:
    return cache.packed(world.listed(there.root), there.root / "packed", side=8)
