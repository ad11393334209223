"""The verbs about weight files as they are typed: what they print, which exit code, which sentence for each mistake."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console

from repro import cli
from repro.errors import SpecError
from repro.lab import snapshot
from repro.render.transfer import Transfer
from repro.spec import load
from repro.verbs.checkpoints import checkpoints
from tests.conftest import CHECKOUT
from tests.fetch import serving
from tests.fetch.conftest import _no_proxy, server
from tests.fetch.serving import Served, page, whole

__all__ = ["_no_proxy", "server"]
Typed = Callable[..., tuple[int, str, str]]
STAGES = [f"layer{stage}.{block}" for stage, blocks in enumerate((3, 4, 6, 3), 1) for block in range(blocks)]


@pytest.fixture(autouse=True)
def _here(_no_proxy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in an empty folder, on 80 columns; the weights lie in `w`."""
    cli.cli.add_command(checkpoints)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("REPRO_WEIGHTS", str(tmp_path / "w"))


def _moco(path: Path, seed: int = 0) -> Path:
    """A file as MoCo's pretraining writes it, by its names; the tensors are small."""
    torch.manual_seed(seed)
    names = ["conv1.weight", *(f"{stage}.conv{i}.weight" for stage in STAGES for i in (1, 2, 3)), "fc.0.weight"]
    tensors = {f"module.encoder_q.{name}": torch.randn(64, 2, 1, 1) for name in names}
    tensors["module.queue"] = torch.randn(2, 16384)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"epoch": 200, "arch": "resnet50", "state_dict": tensors}, path)
    return path


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _listed(tmp_path: Path, **entries: str) -> None:
    """A list of the user's own: names and addresses."""
    text = "schema = 1\n"
    for name, url in entries.items():
        text += (
            f'[[checkpoints]]\nname = "{name}"\nurl = "{url}"\nhash_by = "none"\nlicence = "MIT"\n'
            'layout = "moco-pretrain"\nsource = "test"\n'
        )
    (tmp_path / "checkpoints.toml").write_text(text)


def test_a_listing_says_what_is_known_of_each_file(typed: Typed, tmp_path: Path) -> None:
    code, said, err = typed("checkpoints", "list", "--table", "figure2")
    assert (code, err) == (0, "")
    assert said.splitlines() == [
        f"1 weight file, 0 of them here ({tmp_path / 'w'})",
        "                                run      size  hash             whose   here",
        "table2/moco-v2 (also figure2, figure9): moco-pretrain, licence CC-BY-NC-4.0",
        "  moco-v2-200ep                 1     unknown  md5 59fd9945     theirs  no",
        "whose hash: theirs, published by the authors; ours, of our first download",
    ]


def test_every_line_of_the_whole_listing_fits_in_80_columns(typed: Typed) -> None:
    code, said, _ = typed("checkpoints", "list")
    assert code == 0
    lines = said.splitlines()
    assert max(len(line) for line in lines[1:]) <= 80  # the first names a folder
    assert lines[0].startswith("52 weight files, 0 of them here")
    assert "29 rows without public weights" in lines
    assert sum(line.strip().endswith(("theirs  no", "nobody  no")) for line in lines) == 52
    lines = said.splitlines()
    pair = next(place for place, line in enumerate(lines) if line.startswith("  pycontrast-cmc "))
    assert lines[pair + 1] == "    classifier: pycontrast-cmc-classifier"


def test_a_row_without_public_weights_says_why(typed: Typed) -> None:
    code, said, _ = typed("checkpoints", "list", "--table", "figure6", "--rows", "a0,a1")
    assert code == 0
    assert said.splitlines()[2:] == [
        "table1/moco-k16384 (also figure3, figure5, figure6, figure12, figure13):",
        "    moco-pretrain, licence MIT",
        "  moco-k16384-r1                1     unknown  none yet         nobody  no",
        "  moco-k16384-r2                2     unknown  none yet         nobody  no",
        "  moco-k16384-r3                3     unknown  none yet         nobody  no",
        "1 row without public weights",
        "  figure6/a1: Never released; of the sweep only 0, 2 and 3 are public.",
        "whose hash: theirs, published by the authors; ours, of our first download",
    ]
    code, _, err = typed("checkpoints", "fetch", "--table", "figure6", "--rows", "a1")
    assert (code, err) == (4, "repro: there are no public weights of these rows\n")


def test_the_listing_for_a_program(typed: Typed, tmp_path: Path) -> None:
    code, said, _ = typed("checkpoints", "list", "--json")
    found = json.loads(said)
    assert (code, found["schema"], found["folder"]) == (0, 1, str(tmp_path / "w"))
    by_name = {each["name"]: each for each in found["checkpoints"]}
    assert by_name["moco-v2-200ep"] == {
        "name": "moco-v2-200ep",
        "url": "https://dl.fbaipublicfiles.com/moco/moco_checkpoints/moco_v2_200ep/moco_v2_200ep_pretrain.pth.tar",
        "filename": None,
        "bytes": None,
        "hash": "md5-prefix:59fd9945",
        "hash_by": "authors",
        "licence": "CC-BY-NC-4.0",
        "layout": "moco-pretrain",
        "classifier": None,
        "serves": ["table2/moco-v2"],
        "run": 1,
        "note": "67.7 by its authors.",
        "source": "facebookresearch/moco@3402035 README",
        "also": ["figure2/moco-v2", "figure9/moco-v2"],
        "path": str(tmp_path / "w" / "moco-v2-200ep.pth.tar"),
        "held": None,
        "doubt": None,
    }
    assert by_name["torchvision-resnet50-v1"]["bytes"] == 102_502_400
    assert {"row": "table1/byol", "also": [], "reason": found["missing"][0]["reason"]} == found["missing"][0]


def test_a_file_is_handed_over_listed_verified_changed_and_told(typed: Typed, tmp_path: Path) -> None:
    file = _moco(tmp_path / "down.pth")
    sha, size = _sha(file), f"{file.stat().st_size / 1e3:.1f} kB"
    code, said, err = typed("checkpoints", "fetch", "moco-k16384-r1", "--from", file)
    assert (code, err) == (0, "")
    there = tmp_path / "w" / "moco-k16384-r1.pth"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert said.splitlines() == [
        f"moco-k16384-r1: {there}, {size}",
        f"  sha256 {sha}",
        f"  our own hash, as nobody published one; of {today}",
    ]
    _, said, _ = typed("checkpoints", "list", "moco-k16384-r1")
    assert f"  moco-k16384-r1                1    {size:>8}  sha256 {sha[:8]}  ours    yes" in said.splitlines()

    code, said, err = typed("checkpoints", "verify")
    assert (code, err) == (0, "")
    assert said.splitlines() == [
        f"✓ moco-k16384-r1: sha256 {sha[:8]}... (ours, of {today}), {size}",
        "  moco-pretrain: a MoCo pretraining: ResNet-50 with an MLP head of 1 layers; a",
        "    queue of 16384 keys; epoch 200; left out: module.queue (1)",
        "1 of 1 are what they were",
    ]
    _moco(there, seed=1)
    _, said, _ = typed("checkpoints", "list", "moco-k16384-r1")
    assert "! moco-k16384-r1 changed since it was checked: repro checkpoints verify" in said
    code, said, err = typed("checkpoints", "verify", "moco-k16384-r1", "moco-k16384-r2")
    assert code == 4
    assert err == "repro: not here: moco-k16384-r2; repro checkpoints fetch brings them\n"
    new = _sha(there)
    complaint = (
        f"moco-k16384-r1: {there}: expected sha256 {sha} (recorded here at its first download), found "
        f"{there.stat().st_size:,} bytes with sha256 {new}: the file was altered or replaced; move it away to fetch it "
        f"again; or take it as it is: repro checkpoints fetch moco-k16384-r1 --accept-digest sha256:{new}"
    )
    assert said.splitlines() == [f"✗ {complaint}", "0 of 1 are what they were"]
    code, said, _ = typed("checkpoints", "verify", "--json")
    assert code == 1
    assert json.loads(said)["checkpoints"] == [{"name": "moco-k16384-r1", "held": None, "found": complaint}]
    code, said, err = typed("checkpoints", "fetch", "moco-k16384-r1", "--accept-digest", f"sha256:{new}")
    assert (code, err) == (0, "")
    assert typed("checkpoints", "verify")[0] == 0


def test_a_file_that_does_not_open_is_found_by_verify(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(serving.weight_file(1, 100))  # a zip archive, and no weights
    assert typed("checkpoints", "fetch", "ifm-e005", "--from", "bad.pth")[0] == 0
    code, said, _ = typed("checkpoints", "verify", "ifm-e005")
    assert code == 1
    assert said.startswith(f"✗ {tmp_path / 'w' / 'ifm-e005.pth'}: expected a file of torch.save")


def test_downloads_of_a_list_go_on_after_one_that_fails(typed: Typed, tmp_path: Path, server: Served) -> None:
    base = server.url.removesuffix("/a.pth")
    body = _moco(tmp_path / "a.pth").read_bytes()
    _listed(tmp_path, one=f"{base}/one.pth", two=f"{base}/two.pth")
    server.answers = [page("<title>Quota exceeded</title>"), whole(body)]
    code, said, err = typed("checkpoints", "fetch", "one", "two")
    assert (code, err) == (4, "repro: 1 of 2 weight files did not come: one\n")
    assert said.splitlines()[0] == (
        f"✗ one: {base}/one.pth: expected a file of unknown size and hash, found the page that its download quota is "
        "used up; try again in a day, or copy it to a Drive of your own, download it from there and hand it over: "
        "repro checkpoints fetch one --from FILE"
    )
    assert said.splitlines()[1].startswith(f"two: {tmp_path / 'w' / 'two.pth'}, ")
    server.answers = [whole(body)]
    assert typed("checkpoints", "fetch", "one", "two")[0] == 0
    assert len(server.asked) == 3


def test_files_that_need_no_gdown_come_without_it(
    typed: Typed, tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, load_ = importlib.util.find_spec, importlib.import_module
    monkeypatch.delitem(sys.modules, "gdown", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gdown" else find(name))
    monkeypatch.setattr(importlib, "import_module", lambda name: load_("no_gdown" if name == "gdown" else name))
    _listed(tmp_path, one=f"{server.url.removesuffix('/a.pth')}/one.pth")
    server.answers = [whole(_moco(tmp_path / "a.pth").read_bytes())]
    code, said, err = typed("checkpoints", "fetch", "ifm-e005", "one")
    assert (code, err) == (4, "repro: 1 of 2 weight files did not come: ifm-e005\n")
    assert "✗ ifm-e005: https://drive.google.com/" in said
    assert f"one: {tmp_path / 'w' / 'one.pth'}, " in said
    code, said, err = typed("checkpoints", "fetch", "ifm-e005", "ifm-e01")
    assert (code, said) == (4, "")
    assert err == (
        "repro: files of Google Drive come by way of gdown, which is not installed (ifm-e005, ifm-e01); "
        "pip install 'repro-ns[drive]', or download them in a browser and hand each over: "
        "repro checkpoints fetch NAME --from FILE\n"
    )


def test_a_mirror_by_its_variable(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _moco(tmp_path / "mirror" / "moco-v2-200ep.pth.tar")
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    code, _, err = typed("checkpoints", "fetch", "moco-v2-200ep")
    assert code == 4
    assert err.startswith(f"repro: moco-v2-200ep: {tmp_path / 'mirror' / 'moco-v2-200ep.pth.tar'}: expected md5 59fd99")
    assert "(published by its authors), found" in err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["list", "moco-v2"],
            'no weight file "moco-v2" in the list; did you mean "ifm-moco-v2"?; repro checkpoints list shows them',
        ),
        (["list", "--rows", "byol"], "--rows: expected --table as well, which they are rows of"),
        (["fetch"], "expected names of weight files, or --table; repro checkpoints list shows what there is"),
        (["fetch", "ifm-e005", "ifm-e01", "--from", "f"], "--from is of one file: name one, found 2"),
        (
            ["fetch", "ifm-e005", "--accept-digest", "md5:12"],
            "--accept-digest: expected sha256: and 64 hexadecimal digits, found 'md5:12'",
        ),
        (
            ["add", "f", "--name", "ifm-e005", "--serves", "table1/byol"],
            '--name: "ifm-e005" is in the list already; take another',
        ),
        (
            ["add", "f", "--name", "mine", "--serves", "table1/bylo"],
            '--serves: expected TABLE/ROW, found "table1/bylo"; did you mean "table1/byol"?',
        ),
        (
            ["add", "f", "--name", "mine", "--layout", "torchvision"],
            "--serves: expected TABLE/ROW, the row whose network it is, found none",
        ),
        (
            ["add", "f", "--name", "mine", "--serves", "table1/byol", "--layout", "repro-probe"],
            "--serves: a classifier alone serves no row; add it without, then its encoder with --classifier mine",
        ),
        (
            ["add", "f", "--name", "mine", "--serves", "table1/byol", "--layout", "barlow"],
            "--layout: expected one of moco-pretrain, moco-probe, torchvision, data-parallel, pycontrast, repro, "
            "pycontrast-classifier, repro-probe, or a prefix with a star, such as backbone.*, found 'barlow'",
        ),
        (
            ["add", "f", "--name", "mine", "--serves", "table1/byol", "--layout", "x.*", "--classifier", "my-layer"],
            '--classifier: no weight file "my-layer" in the list',
        ),
        (
            ["add", "f", "--name", "mine", "--serves", "table1/byol", "--layout", "x.*", "--classifier", "ifm-e01"],
            '--classifier: expected a file of the layout pycontrast-classifier or repro-probe, found "ifm-e01" of '
            "moco-pretrain",
        ),
        (
            ["add", "f", "--name", "mine", "--layout", "repro-probe", "--classifier", "ifm-e01"],
            "--classifier: it is a classifier itself, and has none",
        ),
        (
            ["add", "f", "--name", "M ine", "--serves", "table1/byol", "--layout", "torchvision"],
            '--name: expected small letters, digits, "." and "-", found \'M ine\'',
        ),
    ],
)
def test_a_mistake_is_a_sentence(typed: Typed, tmp_path: Path, words: list[str], complaint: str) -> None:
    (tmp_path / "f").write_text("x")
    code, _, err = typed("checkpoints", *words)
    assert (code, err) == (2, f"repro: {complaint}\n")


def test_nothing_here_cannot_be_verified(typed: Typed, tmp_path: Path) -> None:
    code, _, err = typed("checkpoints", "verify")
    assert code == 4
    assert err == f"repro: none of 52 weight files is in {tmp_path / 'w'}; repro checkpoints fetch brings them\n"


def test_an_unknown_row_is_told(typed: Typed) -> None:
    code, _, err = typed("checkpoints", "list", "--table", "table2", "--rows", "mochy")
    assert (code, err) == (
        2,
        'repro: table2 has no row "mochy"; there are moco-v2, mochi, patch-a2; did you mean "mochi"?\n',
    )


def test_a_file_of_ones_own_counts_from_then_on(typed: Typed, tmp_path: Path) -> None:
    file = _moco(tmp_path / "mine.pth")
    code, said, err = typed("checkpoints", "add", file, "--name", "my-byol", "--serves", "table1/byol", "--run", 2)
    assert (code, err) == (0, "")
    assert said.splitlines()[-1] == (
        f"  moco-pretrain; serves table1/byol; listed in {tmp_path / 'w' / 'checkpoints.toml'}"
    )
    _, said, _ = typed("checkpoints", "list", "--table", "table1", "--rows", "byol")
    assert said.splitlines()[0].startswith("1 weight file, 1 of them here")
    assert "without public weights" not in said
    known = load.specs().checkpoints
    assert known.checkpoints[-1].name == "my-byol"
    assert "table1/byol" not in known.missing
    assert len(known.checkpoints) == 53
    assert typed("checkpoints", "verify", "my-byol")[0] == 0


@pytest.mark.parametrize(("prefix", "layout"), [("backbone.", "backbone.*"), ("net_", "net_*"), ("", "torchvision")])
def test_every_layout_that_is_recognised_can_be_listed(typed: Typed, tmp_path: Path, prefix: str, layout: str) -> None:
    tensors = {f"{prefix}{stage}.conv{i}.weight": torch.zeros(64, 2, 1, 1) for stage in STAGES for i in (1, 2, 3)}
    torch.save(tensors, tmp_path / "theirs.pth")
    code, said, err = typed("checkpoints", "add", "theirs.pth", "--name", "mine", "--serves", "table1/byol")
    assert (code, err) == (0, "")
    assert said.splitlines()[-1].startswith(f"  {layout}; serves table1/byol; listed in ")
    assert load.specs().checkpoints.checkpoints[-1].layout == layout


def test_a_training_that_has_not_ended_is_no_network(typed: Typed, tmp_path: Path) -> None:
    snapshot.save(tmp_path / "checkpoint.safetensors", {"a": torch.zeros(3)}, about={"step": 7})
    code, _, err = typed("checkpoints", "add", "checkpoint.safetensors", "--name", "mine", "--serves", "table1/byol")
    assert (code, err) == (
        2,
        "repro: checkpoint.safetensors: a checkpoint of ours after step 7: the training that left it has not ended; "
        "run it to its end and take its encoder.safetensors\n",
    )


def test_the_classifier_of_an_encoder_comes_with_it_or_is_named(typed: Typed, tmp_path: Path) -> None:
    layer = {"classifier": {"module.fc.weight": torch.zeros(9, 4), "module.fc.bias": torch.zeros(9)}}
    for place in ("mirror/pycontrast-moco.pth", "down.pth"):
        _moco(tmp_path / place)
    torch.save(layer, tmp_path / "mirror" / "pycontrast-moco-classifier.pth")
    code, said, err = typed("checkpoints", "fetch", "pycontrast-moco", "--from", "down.pth")
    assert (code, err) == (0, "")
    assert said.splitlines()[-1] == (
        "  its classifier pycontrast-moco-classifier is not here, which it needs: repro checkpoints fetch "
        "pycontrast-moco-classifier"
    )
    code, said, err = typed("checkpoints", "fetch", "pycontrast-moco", "--mirror", "mirror")
    assert (code, err) == (0, "")
    names = [line.partition(":")[0] for line in said.splitlines() if not line.startswith(" ")]
    assert names == ["pycontrast-moco", "pycontrast-moco-classifier"]


def test_the_folder_that_runs_look_in_is_told_where_it_is_another(typed: Typed, tmp_path: Path) -> None:
    file, words = _moco(tmp_path / "mine.pth"), ["--name", "mine", "--serves", "table1/byol", "--weights", "other"]
    code, said, err = typed("checkpoints", "add", file, *words)
    assert (code, err) == (0, "")
    assert said.splitlines()[-1] == (
        f'  runs look for it in {tmp_path / "w"}, not here: weights = "..." in repro.toml or REPRO_WEIGHTS names '
        "another folder"
    )


def test_a_layout_that_nobody_knows_is_told(typed: Typed, tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(3)}}, tmp_path / "mine.pth")
    code, _, err = typed("checkpoints", "add", "mine.pth", "--name", "mine", "--serves", "table1/byol")
    assert code == 4
    assert err.startswith("repro: mine.pth: expected the names of a layout that docs/weights.md lists, found 1 tensors")


# ------------------------------------------------------------------------------------------------- lists of the user's


def _faults() -> list[str]:
    with pytest.raises(SpecError) as caught:
        _ = load.specs().checkpoints
    return caught.value.faults


def test_an_entry_of_ones_own_wins_by_its_name(tmp_path: Path) -> None:
    _listed(tmp_path, **{"ifm-e005": "https://mine/a.pth"})
    shutil.copy(tmp_path / "checkpoints.toml", tmp_path / "beside")
    found = {each.name: each for each in load.specs().checkpoints.checkpoints}
    assert (len(found), found["ifm-e005"].url) == (52, "https://mine/a.pth")
    (tmp_path / "w").mkdir()
    text = (tmp_path / "checkpoints.toml").read_text().replace("https://mine", "https://weights")
    (tmp_path / "w" / "checkpoints.toml").write_text(text)
    found = {each.name: each for each in load.specs().checkpoints.checkpoints}
    assert found["ifm-e005"].url == "https://mine/a.pth"  # this folder's wins over the one beside the weights


def test_a_fault_is_told_with_the_file_that_has_it(tmp_path: Path) -> None:
    _listed(tmp_path, one="https://a", two="https://b")
    text = (tmp_path / "checkpoints.toml").read_text()
    text = text.replace('"two"', '"one"').replace('source = "test"', 'source = "test"\nserves = ["table1/bylo"]', 1)
    (tmp_path / "checkpoints.toml").write_text(f'{text}[missing]\n"table9/x" = "no"\n')
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "checkpoints.toml").write_text("schema = 2\n")
    assert _faults() == [
        "w/checkpoints.toml:1: schema: expected 1, found 2",
        'checkpoints.toml:9: checkpoint "one": serves "table1/bylo", which is no row; did you mean "table1/byol"?',
        'checkpoints.toml:11: checkpoints: the name "one" is given twice',
        'checkpoints.toml:18: missing: "table9/x" is no row; did you mean "table1/cmc"?',
    ]


def test_faults_between_entries_are_told(tmp_path: Path) -> None:
    _listed(tmp_path, one="https://a", two="https://b", three="https://c", four="https://d", five="https://e")
    text = (tmp_path / "checkpoints.toml").read_text()
    for name, more in {
        "one": 'serves = ["table2/moco-v2"]',
        "two": 'serves = ["figure2/moco-v2"]\nrun = 1',
        "three": 'classifier = "pycontrast-moco-clasifier"',
        "four": 'classifier = "ifm-e01"',
    }.items():
        text = text.replace(f'name = "{name}"\n', f'name = "{name}"\n{more}\n')
    (tmp_path / "checkpoints.toml").write_text(text)
    assert _faults() == [
        'checkpoints.toml:12: checkpoint "two": is run 1 of figure2/moco-v2, as "one" is; give it another run',
        'checkpoints.toml:21: checkpoint "three": classifier: no weight file "pycontrast-moco-clasifier" in the list; '
        'did you mean "pycontrast-moco-classifier"?',
        'checkpoints.toml:29: checkpoint "four": classifier: expected a file of the layout pycontrast-classifier or '
        'repro-probe, found "ifm-e01" of moco-pretrain',
    ]
    (tmp_path / "checkpoints.toml").write_text(
        'schema = 1\n[[checkpoints]]\nname = "a"\nurl = "https://a"\nhash_by = "none"\nlicence = "MIT"\n'
        'layout = "repro-probe"\nserves = ["table1/byol"]\nsource = "test"\n'
    )
    assert _faults() == [
        'checkpoints.toml:8: checkpoint "a": is a classifier alone, which serves no row; an encoder names it'
    ]


def test_a_file_that_a_table_names_and_no_list_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    text = (CHECKOUT / "tables" / "table2.toml").read_text(encoding="utf-8")
    (tmp_path / "tables" / "table2.toml").write_text(text.replace('["moco-v2-200ep"]', '["moco-v2-200"]'))
    assert _faults() == [
        'table2, row "moco-v2": checkpoints: no weight file "moco-v2-200" in the list; did you mean "moco-v2-200ep"?'
    ]


# -------------------------------------------------------------------------------------------------------------- waiting


def test_a_bar_says_how_far_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("repro.render.transfer.time.monotonic", lambda: clock[0])
    console = Console(width=100, force_terminal=False, record=True)
    with Transfer(console) as transfer:
        transfer.begin("net")
        for second in range(0, 51, 5):
            clock[0] = float(second)
            transfer.step(second * 1_000_000, 100_000_000)
        transfer.begin("next")
        clock[0] = 80.0
        transfer.step(5, None)
    assert console.export_text().splitlines() == [
        "  net: 25.0 MB of 100.0 MB, 1.0 MB/s, 1:15 left",
        "  net: 50.0 MB of 100.0 MB, 1.0 MB/s, 0:50 left",
        "  next: 5 B",
    ]


def test_ctrl_c_keeps_what_came(tmp_path: Path, server: Served) -> None:
    body = serving.weight_file(1)
    done = threading.Event()
    server.answers = [serving.hang(body, 70_000, done), whole(body)]
    _listed(tmp_path, net=server.url)
    code = """
        import sys
        from repro import cli
        from repro.verbs.checkpoints import checkpoints
        cli.cli.add_command(checkpoints)
        sys.argv = ["repro", "checkpoints", "fetch", "net"]
        sys.exit(cli.main())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    child = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    part = tmp_path / "w" / "net.pth.part"
    while not (part.exists() and part.stat().st_size == 70_000):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    err = child.communicate()[1]
    done.set()
    assert (child.returncode, err) == (
        130,
        "repro: stopped; what came is kept, the same command goes on from here\n",
    )
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert server.asked[1]["Range"] == "bytes=70000-"
