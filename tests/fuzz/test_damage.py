"""What was kept is cut, changed in one bit, or another's: it is found before it is used, and no number comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.judge.board import assemble
from repro.judge.certificate import reading, verification
from repro.judge.certificate.grounds import Now
from repro.judge.policy import STANDARD
from repro.lab.images import cache
from repro.store import Store
from tests.fuzz import world
from tests.fuzz.conftest import Pair
from tests.fuzz.world import World

PLACES = 12  # of each file


def _damages(content: bytes, random: Random) -> Iterator[bytes]:
    """A file cut at some places, and with a bit changed at others; its ends are among them."""
    for place in {0, 1, len(content) - 1, *(random.randrange(len(content)) for _ in range(PLACES))}:
        yield content[:place]
        changed = bytearray(content)
        changed[place] ^= 1 << random.randrange(8)
        yield bytes(changed)


def _numbers(there: World) -> dict[tuple[str, str], dict[int, float]]:
    board = assemble(there.specs.tables, there.plan, there.store)
    return {key: dict(cell.seeds) for key, cell in board.cells.items()}


@pytest.fixture
def there(pair: Pair) -> Iterator[World]:
    """The world, put right afterwards."""
    yield pair.world
    for name in ("results", "certified", "packed"):
        shutil.rmtree(pair.world.root / name)
        shutil.copytree(pair.keep / name, pair.world.root / name)


def test_a_damaged_record_is_named_and_gives_no_number(there: World) -> None:
    whole = _numbers(there)
    assert whole[world.ROW, world.COLUMN] == {0: 75.0, 1: 62.5}
    path = there.store.record(there.measured)
    for content in _damages(path.read_bytes(), Random(0)):
        path.write_bytes(content)
        store = there.store
        record = store.read(there.measured)
        if record is None:  # else what changed was a blank between two words
            assert str(path) in store.damaged[there.measured]
            assert _numbers(there)[world.ROW, world.COLUMN] == {1: 62.5}
        else:
            assert _numbers(there) == whole


@pytest.mark.parametrize("name", ["predictions.npz", "encoder.safetensors"])
def test_a_damaged_file_is_named_before_it_is_used(there: World, name: str) -> None:
    path = next(there.store.root.glob(f"*/*/{name}"))
    job, random = path.parent.name, Random(1)
    for content in _damages(path.read_bytes(), random):
        path.write_bytes(content)
        with pytest.raises(DataMissing) as caught:
            there.store.opened(job, lambda folder: pytest.fail(f"{folder} was used"))
        assert str(caught.value).startswith(f"{path}: ")
        record = there.store.read(job)
        assert record is not None
        assert str(there.store.verify(record)).startswith(f"{path}: ")


def test_files_of_one_name_that_are_swapped_are_found(there: World) -> None:
    """Records, predictions and encoders: each of another job's in its place."""
    whole = _numbers(there)
    for name in ("record.json", "predictions.npz", "encoder.safetensors"):
        paths = sorted(there.store.root.glob(f"*/*/{name}"))
        contents = [path.read_bytes() for path in paths]
        for path, content, other in zip(paths, contents, contents[1:] + contents[:1], strict=True):
            if content == other:
                continue
            path.write_bytes(other)
            store, job = there.store, path.parent.name
            record = store.read(job)
            if name == "record.json":
                assert record is None
                assert f"expected the record of job {job}, found that of " in store.damaged[job]
                assert all(
                    whole[key][seed] == value for key, held in _numbers(there).items() for seed, value in held.items()
                )
            else:
                assert record is not None
                assert str(store.verify(record)).startswith(f"{path}: ")
            path.write_bytes(content)


def test_certified_results_that_are_damaged_or_swapped_never_agree(there: World) -> None:
    held, document = reading.read(there.root / "certificate.json")
    now = Now(there.certified.tables, there.certified.plan.profile, "", STANDARD, {})
    root, random = there.certified.store.root, Random(2)
    assert not verification.verify(held, document, Store(root), now=now).disagreements
    for path in [*root.glob("*/*/predictions.npz"), *root.glob("*/*/encoder.safetensors")]:
        content = path.read_bytes()
        others = [other.read_bytes() for other in root.glob(f"*/*/{path.name}") if other.read_bytes() != content]
        for changed in [random.choice(list(_damages(content, random))), *others[:1]]:
            path.write_bytes(changed)
            found = verification.verify(held, document, Store(root), now=now)
            assert any(path.parent.name in each.where for each in found.disagreements if each.stage == "files")
        path.write_bytes(content)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # numpy leaves a file open that it cannot read
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cache_that_is_damaged_is_told_or_the_same(there: World) -> None:
    folder, files = there.root / "packed", world.listed(there.root)
    whole = cache.packed(files, folder, side=8)
    for name in (cache.ABOUT, cache.INDEX):
        content = (folder / name).read_bytes()
        for changed in _damages(content, Random(3)):
            (folder / name).write_bytes(changed)
            with suppress(DataMissing):
                found = cache.packed(files, folder, side=8)
                assert (found.files, found.digests) == (whole.files, whole.digests)
                assert np.array_equal(found.cells, whole.cells)
        (folder / name).write_bytes(content)
    swapped = {name: (folder / name).read_bytes() for name in (cache.ABOUT, cache.INDEX)}
    (folder / cache.INDEX).write_bytes(swapped[cache.ABOUT])
    with pytest.raises(DataMissing, match=r"index\.npz: cannot be read"):
        cache.packed(files, folder, side=8)
    (folder / cache.INDEX).write_bytes(swapped[cache.INDEX])


def test_a_shard_with_a_changed_bit_is_found_where_it_is_checked(there: World, tmp_path: Path) -> None:
    from repro.lab.images import caching

    root = there.root / "photographs" / "train"
    files = caching.tree(root)
    made = list(caching.make(caching.shards(files, tmp_path, side=8, only_check=False), workers=1))
    assert [each.how for each in made] == ["made"]
    path = tmp_path / "00000.pack"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    (checked,) = caching.make(caching.shards(files, tmp_path, side=8, only_check=True), workers=1)
    assert checked.how == "wrong"


def test_answers_that_are_not_those_of_their_record_are_never_compared(there: World) -> None:
    from repro.judge import matching, paired, regression
    from repro.lab import evaluation

    first, second = (matching.side(str(there.root / name)) for name in ("results", "other"))
    assert [pair.change for pair in paired.pairs(first, second, read=evaluation.read)] == [0.0] * 4
    path = there.store.folder(there.measured) / evaluation.FILE
    other = there.store.folder(there.plan.cells[world.ROW, world.COLUMN][1]) / evaluation.FILE
    whole = path.read_bytes()
    shutil.copy(other, path)
    for compare in (paired.pairs, regression.regressions):
        with pytest.raises(DataMissing) as caught:
            compare(first, second, read=evaluation.read)
        assert str(caught.value).startswith(f"{path}: expected {len(whole)} bytes, found ")
        assert str(caught.value).endswith(f"; delete {path.parent}, and repro run makes it again")
