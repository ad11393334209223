"""Networks from files on their whole way through the command line: named, planned, fetched, measured, judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from repro.lab import snapshot
from repro.lab.datasets import shapes
from repro.lab.nets import small
from repro.lab.recipes import build
from repro.plan.scale import scale
from repro.reference import wnids
from repro.spec import load, recipes
from tests.conftest import CHECKOUT, write_tiny
from tests.trees import classes

Typed = Callable[..., tuple[int, str, str]]
NO_IFM = "its weights are not here: repro checkpoints fetch ifm-e01"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in an empty folder; the weights lie in `w`, and nothing is asked of a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("REPRO_WEIGHTS", str(tmp_path / "w"))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # of the workers


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """The tests' profile, small, but judged cell by cell as the paper's is."""
    text = write_tiny(tmp_path).read_text(encoding="utf-8")
    text = text.replace('id = "tiny"', 'id = "strict"').replace('"claims"', '"cells"', 1)
    (tmp_path / "strict.toml").write_text(text, encoding="utf-8")
    return tmp_path / "strict.toml"


def _encoder(path: Path, profile: Path, *, seed: int = 0) -> Path:
    """A network of the profile's as a pretraining leaves it, untrained."""
    specs, means = load.specs(), load.profile(str(profile))
    table = specs.table("table1")
    row = next(row for row in table.rows if row.id == "moco-k16384")
    net = scale(recipes.plain(recipes.resolve(specs.tables, table, row)), means)["net"]
    made = small.build(build(small.Recipe, net), seed=seed)
    snapshot.save(path, made.state_dict(), about={})
    return path


def _classifier(path: Path, features: int, names: tuple[str, ...]) -> Path:
    """A classifier as a probe leaves it."""
    tensors = {"weight": torch.zeros(len(names), features), "bias": torch.eye(len(names))[0]}
    snapshot.save(path, tensors, about={"classes": list(names)})
    return path


def _cells(said: str) -> dict[tuple[str, str], tuple[str, str]]:
    return {(cell["row"], cell["column"]): (cell["verdict"], cell["reason"]) for cell in json.loads(said)["cells"]}


# ------------------------------------------------------------------------------------------ an entry of the user's own


def test_a_row_that_an_entry_of_ones_own_serves_is_fetched_and_measured(
    typed: Typed, tmp_path: Path, strict: Path
) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    added = ["checkpoints", "add", file, "--name", "my-byol", "--serves", "table1/byol"]
    code, said, err = typed(*added)
    assert (code, err) == (0, "")
    assert said.splitlines()[-1] == f"  repro; serves table1/byol; listed in {tmp_path / 'w' / 'checkpoints.toml'}"
    asked = ["table1", "--profile", strict, "--source", "download", "--columns", "imagenet", "--seeds", "0"]
    asked += ["--rows", "byol,byol-patch-a005,ifm-e01"]
    (tmp_path / "w" / "my-byol.safetensors").unlink()  # what a list names and is not here is fetched
    code, said, _ = typed("plan", *asked, "--json")
    assert code == 0
    assert {cell["row"]: cell["reason"] for cell in json.loads(said)["not_runnable"]} == {
        "byol": "its weights are not here: repro checkpoints fetch my-byol",
        "byol-patch-a005": "no public weights: Never released, as the row above it.",
        "ifm-e01": NO_IFM,
    }
    code, said, err = typed("run", *asked)
    assert (code, err) == (0, "")
    assert f"my-byol: {tmp_path / 'w' / 'my-byol.safetensors'}, " in said
    assert "✗ ifm-e01: " in said  # no network
    code, said, _ = typed("plan", *asked, "--json")
    labels = {job["label"]: job["action"] for job in json.loads(said)["jobs"]}
    done = ["data imagenet-100/train", "weights of my-byol", "data imagenet-100/val", "probe my-byol"]
    assert labels == dict.fromkeys([*done, "evaluate imagenet of my-byol"], "reuse")
    cells = _cells(typed("check", *asked, "--json")[1])
    assert cells["byol", "imagenet"][0] == "differs"
    assert cells["ifm-e01", "imagenet"] == ("not runnable", NO_IFM)


def _fetched(typed: Typed, *asked: object) -> str:
    """What a run prints; where there is no graphics card it ends once the weights are here."""
    return typed("run", *asked, "--seeds", "0", "--device", "cuda")[1]


def test_a_run_of_ones_own_that_was_not_asked_for_is_told(typed: Typed, tmp_path: Path, strict: Path) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    assert typed("checkpoints", "add", file, "--name", "mine", "--serves", "table1/byol", "--run", 2)[0] == 0
    asked = ["table1", "--profile", strict, "--source", "download", "--rows", "byol", "--columns", "imagenet"]
    told = "its weights are of run 2, which is asked for by --seeds 1"
    assert typed("run", *asked, "--seeds", "0") == (4, *_nothing(typed, told, *asked, "--seeds", "0"))
    for seeds in ("0,1", "1"):
        plan = json.loads(typed("plan", *asked, "--seeds", seeds, "--json")[1])
        assert [job["label"] for job in plan["jobs"] if job["kind"] == "weights"] == ["weights of mine"]


def _nothing(typed: Typed, why: str, *asked: object) -> tuple[str, str]:
    """What is printed where nothing can be run, and the complaint."""
    out, err = typed("run", *asked)[1:]
    assert err == f"repro: nothing can be run: {why}\n"
    return out, err


def test_a_file_of_ones_own_stands_for_a_shipped_one_of_that_run(typed: Typed, tmp_path: Path, strict: Path) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    words = ["checkpoints", "add", file, "--serves", "figure6/a0"]  # same_as table1/moco-k16384
    code, said, err = typed(*words, "--name", "mine", "--run", 2)
    assert (code, err) == (0, "")
    assert said.splitlines()[-1] == ("  it stands for run 2 of figure6/a0 from now on, in place of moco-k16384-r2")
    asked = ["table1", "--profile", strict, "--source", "download", "--columns", "imagenet"]
    plan = json.loads(typed("plan", *asked, "--rows", "moco-k16384", "--json")[1])
    assert [job["label"] for job in plan["jobs"] if job["kind"] == "weights"] == ["weights of mine"]
    code, _, err = typed(*words, "--name", "other", "--run", 2)
    assert (code, err) == (
        2, 'repro: --run: "mine", of your own, is run 2 of figure6/a0 already; say another run\n'
    )  # fmt: skip


def test_weights_are_not_fetched_for_cells_that_lack_their_images(typed: Typed, tmp_path: Path, strict: Path) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    typed("checkpoints", "add", file, "--name", "mine", "--serves", "table1/byol")
    (tmp_path / "w" / "mine.safetensors").unlink()
    text = strict.read_text().replace('"imagenet-100-r" ', '"imagenet-100-r-not" ')
    strict.write_text(text)
    asked = ["table1", "--profile", strict, "--source", "download", "--rows", "byol", "--columns", "imagenet-r"]
    assert typed("run", *asked, "--seeds", "0")[0] == 4
    assert not (tmp_path / "w" / "mine.safetensors").exists()


def test_the_folder_of_the_weights_is_the_one_that_the_profile_reads(
    typed: Typed, tmp_path: Path, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name of [data] that only a profile elsewhere asks for is known in `repro run` with that profile."""
    monkeypatch.delenv("REPRO_WEIGHTS")
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    (tmp_path / "repro.toml").write_text('weights = "mine"\n')
    assert typed("checkpoints", "add", file, "--name", "my-byol", "--serves", "table1/byol")[0] == 0
    (tmp_path / "mine" / "my-byol.safetensors").unlink()
    (tmp_path / "repro.toml").write_text('weights = "mine"\n[data]\nphotos = "p"\n')
    strict.write_text(strict.read_text() + '\n[data]\nphotos = "some photographs"\n')
    asked = ["table1", "--profile", strict, "--source", "download", "--rows", "byol", "--columns", "imagenet"]
    assert f"my-byol: {tmp_path / 'mine' / 'my-byol.safetensors'}, " in _fetched(typed, *asked)


# --------------------------------------------------------------------------------------------- an encoder in two files


@pytest.mark.slow
def test_a_network_of_ones_own_in_two_files_needs_no_probe(typed: Typed, tmp_path: Path, tiny: Path) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", tiny)
    _classifier(tmp_path / "probe.safetensors", 32, shapes.CLASSES)
    own = ["--weights", file, "--classifier", "probe.safetensors", "--as", "mine"]
    asked = ["table1", "--profile", tiny, "--columns", "imagenet", "--seeds", "0", *own]
    code, said, err = typed("run", *asked)
    assert (code, err) == (0, "")
    found = [json.loads(path.read_text()) for path in Path("results").glob("*/*/record.json")]
    values = {record["job"]["kind"]: record["values"] for record in found}
    assert values["weights"]["classifier"] is True
    assert values["probe"].keys() == {"taken"}
    assert values["evaluate"]["top1"] == pytest.approx(
        100 / len(shapes.CLASSES), abs=0.5
    )  # it says the first class always
    again = next(line for line in said.splitlines() if "--classifier" in line)
    assert f"--weights {file} --classifier probe.safetensors --as mine" in again


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (
            ["--classifier", "c.pth"], 2,
            "--classifier goes with a network of your own: --weights FILE, its encoder, is missing",
        ),
        (
            ["--weights", "repro.toml", "--classifier", "c.pth", "--as", "mine"], 4,
            "--classifier c.pth: expected a file of weights, found nothing",
        ),
        (["--weights", "w", "--as", "mine"], 4, "--weights w: expected a file of weights, found a folder"),
    ],
)  # fmt: skip
def test_a_network_of_ones_own_that_is_not_whole_is_told(
    typed: Typed, tmp_path: Path, words: list[str], code: int, complaint: str
) -> None:
    (tmp_path / "repro.toml").touch()
    (tmp_path / "w").mkdir()
    assert typed("plan", "table1", *words) == (code, "", f"repro: {complaint}\n")


def test_a_figure_without_a_recipe_has_no_row_for_a_network_of_ones_own(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "w").touch()
    assert typed("plan", "figure13", "--weights", "w", "--as", "mine") == (
        2,
        "",
        "repro: --as mine: figure13 has no recipe of its own, its rows are those of others, so a network of yours "
        "would have none; name a table that has one, such as table1\n",
    )


def test_an_encoder_of_a_list_counts_when_its_classifier_is_here_too(
    typed: Typed, tmp_path: Path, strict: Path
) -> None:
    file = _encoder(tmp_path / "encoder.safetensors", strict)
    _classifier(tmp_path / "probe.safetensors", 32, ("a", "b"))
    code, said, _ = typed("checkpoints", "add", tmp_path / "probe.safetensors", "--name", "my-layer")
    assert code == 0
    assert said.splitlines()[-1] == (
        f"  repro-probe; a classifier, for the encoder that names it; listed in {tmp_path / 'w' / 'checkpoints.toml'}"
    )
    words = ["--name", "mine", "--serves", "table1/byol", "--classifier", "my-layer"]
    assert typed("checkpoints", "add", file, *words)[0] == 0
    asked = ["table1", "--profile", strict, "--source", "download", "--rows", "byol", "--columns", "imagenet"]
    plan = json.loads(typed("plan", *asked, "--seeds", "0", "--json")[1])
    [first] = [job["id"] for job in plan["jobs"] if job["kind"] == "weights"]
    (tmp_path / "w" / "my-layer.safetensors").unlink()
    plan = json.loads(typed("plan", *asked, "--seeds", "0", "--json")[1])
    assert plan["not_runnable"][0]["reason"] == "its weights are not here: repro checkpoints fetch mine"
    code, said, err = typed("checkpoints", "fetch", "mine")
    assert (code, err) == (0, "")
    assert [line.partition(":")[0] for line in said.splitlines() if ": /" in line] == ["mine", "my-layer"]
    plan = json.loads(typed("plan", *asked, "--seeds", "0", "--json")[1])
    assert [job["id"] for job in plan["jobs"] if job["kind"] == "weights"] == [first]
    (tmp_path / "w" / "my-layer.safetensors").unlink()
    assert f"my-layer: {tmp_path / 'w' / 'my-layer.safetensors'}, " in _fetched(typed, *asked)


# -------------------------------------------------------------------------------------- part of a data set is absent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Trees of ImageNet-100 and of its part of ImageNet-Sketch, which lacks one class."""
    hundred = wnids("imagenet-100")
    for split in ("train", "val"):
        classes(tmp_path / "imagenet" / split, hundred, content=b"x")
    classes(tmp_path / "imagenet-sketch" / "sketch", hundred[:3] + hundred[4:], content=b"x")
    (tmp_path / "repro.toml").write_text('[data]\nimagenet = "imagenet"\nimagenet-sketch = "imagenet-sketch"\n')
    return tmp_path


ASKED = ["table1", "--profile", "paper", "--rows", "moco-k16384", "--columns", "imagenet,imagenet-s", "--seeds", "0"]


def test_a_missing_class_keeps_the_cells_of_its_set_alone(typed: Typed, home: Path) -> None:
    code, said, err = typed("plan", *ASKED, "--json")
    assert (code, err) == (0, "")
    plan = json.loads(said)
    [told] = plan["not_runnable"]
    assert (told["row"], told["column"]) == ("moco-k16384", "imagenet-s")
    place, lost = home / "imagenet-sketch" / "sketch", wnids("imagenet-100")[3]
    why = f"1 of the 100 folders of images are missing or empty; the first, {lost}, is missing"
    assert told["reason"] == f"{place}: {why}"
    assert "evaluate imagenet of moco-k16384, seed 0" in [job["label"] for job in plan["jobs"]]
    assert typed("check", *ASKED[:-4], "--columns", "imagenet-s")[:1] == (4,)


def test_where_the_training_images_lack_a_class_nothing_can_be_run(typed: Typed, home: Path) -> None:
    lost = wnids("imagenet-100")[7]
    (home / "imagenet" / "train" / lost / f"{lost}_0.JPEG").unlink()
    code, _, err = typed("run", *ASKED, "--device", "cpu")
    why = f"1 of the 100 folders of images are missing or empty; the first, {lost}, holds no picture"
    assert (code, err) == (4, f"repro: nothing can be run: {home / 'imagenet' / 'train'}: {why}\n")


def test_a_folder_that_was_named_and_is_not_there_is_a_mistake(typed: Typed, home: Path) -> None:
    code, said, err = typed("plan", *ASKED, "--data", "imagenet-sketch=nowhere")
    assert (code, said) == (4, "")
    assert err == "repro: nowhere: expected a folder of images, found nothing\n"
