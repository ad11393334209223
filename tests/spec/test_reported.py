"""The specs against the paper: every number as printed, every claim once, every quote and every quirk in its place.

What is expected comes from transcriptions beside the checkout, made and double-checked apart from the specs.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from repro.spec.checkpoint import Checkpoints
from repro.spec.model import Recipe, Table
from tests.conftest import CHECKOUT

COLUMNS = {"stylized": "stylized-imagenet", "top1_no_color_jitter": "imagenet", "top1": "stl-10"}  # where ids differ
FIGURE_CELLS = {  # a number that the text prints -> the figure's cell that repeats it
    "fig2.positive.mean": "figure2/moco-v2:positive",
    "fig2.standard_negative.mean": "figure2/moco-v2:standard",
    "fig2.patch.mean": "figure2/moco-v2:patch",
    "fig2.texture.mean": "figure2/moco-v2:texture",
    "fig3.patch.mean.a0": "figure3/a0:patch",
    "fig3.patch.mean.a2": "figure3/a2:patch",
    "fig3.patch.mean.a3": "figure3/a3:patch",
    "fig3.texture.mean.a0": "figure3/a0:texture",
    "fig3.texture.mean.a2": "figure3/a2:texture",
    "fig3.texture.mean.a3": "figure3/a3:texture",
    "fig6d.dog.fine.from": "figure6/a0:dog-fine",
    "fig6d.dog.fine.a3": "figure6/a3:dog-fine",
    "fig6d.dog.coarse.from": "figure6/a0:dog-coarse",
    "fig6d.dog.coarse.a3": "figure6/a3:dog-coarse",
    "fig13.positive.mean.a1": "figure13/a1:positive",
    "fig13.positive.mean.a5": "figure13/a5:positive",
}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def specs() -> dict[str, Table]:
    """Every table and figure of the checkout by its id, straight through the schema."""
    paths = [*(CHECKOUT / "tables").glob("table*.toml"), *(CHECKOUT / "figures").glob("figure*.toml")]
    return {table.id: table for table in (Table.model_validate(_read(path)) for path in paths)}


@pytest.fixture
def reported(shared: Path) -> dict[str, Any]:
    """The transcription of every number of the paper."""
    return _read(shared / "paper" / "reported.toml")


def _row(name: str) -> str:
    return name.replace("_", "-")


def _column(name: str) -> str:
    return COLUMNS.get(name, name.replace("_", "-"))


def _printed(cell: dict[str, Any]) -> str:
    return f"{cell['mean_text']} ± {cell['std_text']}" if "std_text" in cell else str(cell["mean_text"])


def _cells(table: Table, origin: str) -> dict[tuple[str, str, str], str]:
    rows = [row for row in table.rows if row.origin == origin]
    return {(table.id, row.id, column): text for row in rows for column, text in row.reported.items()}


def _tables(specs: dict[str, Table]) -> list[Table]:
    return [specs[f"table{number}"] for number in (1, 2, 3, 4)]


def test_the_tables_hold_every_cell_as_printed_and_no_other(specs: dict[str, Table], reported: dict[str, Any]) -> None:
    expected = {
        (cell["table"], _row(cell["row"]), _column(cell["column"])): _printed(cell) for cell in reported["cell"]
    }
    found = {key: text for table in _tables(specs) for key, text in _cells(table, "paper").items()}
    assert found == expected
    assert len(found) == reported["n_cells"] == 107


def test_a_cell_reads_as_the_transcribed_mean_and_deviation(specs: dict[str, Table], reported: dict[str, Any]) -> None:
    for cell in reported["cell"]:
        row = next(row for row in specs[cell["table"]].rows if row.id == _row(cell["row"]))
        mean, _, deviation = row.reported[_column(cell["column"])].partition(" ± ")
        assert float(mean) == cell["mean"], cell["id"]
        assert (float(deviation) if deviation else None) == cell.get("std"), cell["id"]


def test_runs_directions_sections_and_labels_are_as_transcribed(
    specs: dict[str, Table], reported: dict[str, Any]
) -> None:
    for cell in reported["cell"]:
        table = specs[cell["table"]]
        row = next(row for row in table.rows if row.id == _row(cell["row"]))
        column = next(column for column in table.columns if column.id == _column(cell["column"]))
        assert (row.runs, column.direction, table.section) == (cell["n_runs"], cell["direction"], cell["section"]), (
            cell["id"]
        )
        assert _plain(cell["row_label"]).startswith(_plain(row.label)), cell["id"]
        assert _plain(column.label).startswith(_plain(cell["column_label"])), cell["id"]


def _plain(label: str) -> str:
    return label.replace("α", "alpha").replace("ε", "epsilon").replace(" ", "")


def test_rows_and_columns_stand_in_the_order_of_the_paper(specs: dict[str, Table], reported: dict[str, Any]) -> None:
    for table in _tables(specs):
        cells = [cell for cell in reported["cell"] if cell["table"] == table.id]
        rows = list(dict.fromkeys(_row(cell["row"]) for cell in cells))
        assert [row.id for row in table.rows if row.origin == "paper"] == rows
        assert [column.id for column in table.columns] == list(dict.fromkeys(_column(cell["column"]) for cell in cells))


def test_suspect_cells_are_those_of_the_transcription(specs: dict[str, Table], reported: dict[str, Any]) -> None:
    expected = {
        (cell["table"], _row(cell["row"]), _column(cell["column"])) for cell in reported["cell"] if cell.get("suspect")
    }
    found = {(table.id, row.id, column) for table in _tables(specs) for row in table.rows for column in row.suspect}
    assert found == expected
    assert ("table1", "moco-star", "imagenet-r") in found


def test_the_readme_only_row_is_there_and_marked_as_such(specs: dict[str, Table], reported: dict[str, Any]) -> None:
    name = "moco-star-patch-a2-k65536"
    expected = {("table1", name, _column(cell["column"])): _printed(cell) for cell in reported["readme_cell"]}
    assert _cells(specs["table1"], "readme") == expected
    assert len(expected) == 5


def test_every_number_in_the_text_is_there_once_with_its_quote(
    specs: dict[str, Table], reported: dict[str, Any]
) -> None:
    units = {"percentage_points": "percent"}
    expected = {
        text["id"]: (text["value_text"], text["section"], text["quote"], units.get(text["unit"], text["unit"]))
        for text in reported["text"]
    }
    texts = [text for spec in specs.values() for text in spec.texts]
    assert {text.id: (text.printed, text.section, text.quote, text.unit) for text in texts} == expected
    assert len(texts) == reported["n_text"] == 27
    assert all(float(text.printed) == float(Decimal(expected[text.id][0])) for text in texts)


def test_a_number_that_the_text_and_a_figure_both_give_is_the_same_in_both(specs: dict[str, Table]) -> None:
    printed = {text.id: text.printed for spec in specs.values() for text in spec.texts}
    expected = {cell: printed[name] for name, cell in FIGURE_CELLS.items()}
    figures = [spec for spec in specs.values() if spec.axes is not None]
    found = {
        f"{spec.id}/{row.id}:{column}": text
        for spec in figures
        for row in spec.rows
        for column, text in row.reported.items()
    }
    assert found == expected


def _claims(shared: Path) -> dict[str, str]:
    """Claim id -> section, of both tables of the list."""
    lines = (shared / "paper" / "claims.md").read_text(encoding="utf-8").splitlines()
    parts = [[part.strip() for part in line.split("|")] for line in lines if re.match(r"\| [CN]\d+b? \|", line)]
    return {part[1]: part[2] for part in parts}


AUDIT = {"C36", "C37", "C38", "C39", "C40"}  # questions of ours that the audit asks of the printed numbers


def test_every_claim_of_the_list_is_there_once_with_its_section(specs: dict[str, Table], shared: Path) -> None:
    expected = _claims(shared)
    claims = [claim for spec in specs.values() for claim in spec.claims if claim.id not in AUDIT]
    assert Counter(claim.id for claim in claims) == Counter(list(expected))
    assert {claim.id: claim.section for claim in claims} == expected
    assert len(expected) == 35 + 4 + 20


def test_cautions_and_checks_of_ours_are_not_counted_as_claims_of_the_paper(specs: dict[str, Table]) -> None:
    ours = {claim.id for spec in specs.values() for claim in spec.claims if not claim.of_paper}
    assert ours == {"C13b", "C16b", "C19", "C23b", "C31b", "C34", "C35", *AUDIT}


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_quote_stands_in_the_paper(specs: dict[str, Table], shared: Path) -> None:
    paper = _squeezed((shared / "paper" / "paper.md").read_text(encoding="utf-8"))
    for spec in specs.values():
        for part in [*spec.claims, *spec.texts]:
            assert _squeezed(part.quote.removeprefix("(implied) ")) in paper, part.id


def test_every_quirk_of_the_audit_stands_in_a_spec(specs: dict[str, Table], shared: Path) -> None:
    lines = (shared / "paper" / "audit.md").read_text(encoding="utf-8").splitlines()
    audited = dict(match.groups() for line in lines if (match := re.match(r"\| ([AB]\d+) \| ([HML]) \|", line)))
    notes = [note for spec in specs.values() for note in spec.notes]
    assert set(audited) <= {note.id for note in notes}
    assert {note.id: note.severity for note in notes if note.id in audited} == audited


def _recipes(spec: Table) -> list[tuple[str, Recipe]]:
    return [("[recipe]", spec.recipe), *((row.id, row.recipe) for row in spec.rows)]


def test_every_value_of_a_recipe_says_in_one_way_where_it_comes_from(specs: dict[str, Table]) -> None:
    for spec in specs.values():
        for where, recipe in _recipes(spec):
            for group, keys in recipe.items():
                for key, value in keys.items():
                    marks = [mark for mark in (value.sourced, value.default, value.choice) if mark is not None]
                    assert len(marks) == 1, f"{spec.id} {where} {group}.{key}"


def test_every_source_is_named_and_every_named_source_is_used(specs: dict[str, Table]) -> None:
    for spec in specs.values():
        values = [value for _, recipe in _recipes(spec) for keys in recipe.values() for value in keys.values()]
        used = {(value.sourced or value.default or "").split()[0] for value in values if value.choice is None}
        assert used <= set(spec.sources), spec.id
        assert set(spec.sources) <= used | {"paper"}, spec.id


def test_the_queue_of_the_misprinted_row_is_the_one_that_was_meant(specs: dict[str, Table]) -> None:
    row = next(row for row in specs["table1"].rows if row.id == "moco-star-patch-a2")
    assert row.recipe["method"]["queue"].value == 16384
    assert any("16394" in note for note in row.notes)


def test_margins_of_table_1_are_half_of_what_patch_negatives_add(specs: dict[str, Table]) -> None:
    table = specs["table1"]
    rows = {row.id: row for row in table.rows}
    for column in table.columns:
        patch, moco = (
            Decimal(rows[name].reported[column.id].split(" ± ")[0]) for name in ("moco-k16384-patch-a2", "moco-k16384")
        )
        assert column.margin is not None
        assert Decimal(str(column.margin.value)) == max(Decimal("0.1"), min((patch - moco) / 2, Decimal("1.0"))), (
            column.id
        )


def test_no_margin_is_below_the_lower_bound_or_above_the_upper_one(specs: dict[str, Table]) -> None:
    for spec in specs.values():
        for column in spec.columns:
            if column.margin is not None and column.unit in ("percent", "mce"):
                assert 0.1 <= column.margin.value <= 1.0, f"{spec.id} {column.id}"


@pytest.fixture(scope="module")
def checkpoints() -> Checkpoints:
    return Checkpoints.model_validate(_read(CHECKOUT / "checkpoints.toml"))


def test_rows_and_weight_files_name_each_other(specs: dict[str, Table], checkpoints: Checkpoints) -> None:
    rows = {f"{spec.id}/{row.id}": row for spec in specs.values() for row in spec.rows}
    named = {(name, key) for key, row in rows.items() for name in row.checkpoints}
    serving = {(file.name, key) for file in checkpoints.checkpoints for key in file.serves}
    assert named == serving
    assert len({file.name for file in checkpoints.checkpoints}) == len(checkpoints.checkpoints)


def test_a_row_without_public_weights_says_so(specs: dict[str, Table], checkpoints: Checkpoints) -> None:
    rows = {f"{spec.id}/{row.id}": row for spec in specs.values() for row in spec.rows if row.same_as is None}
    assert set(checkpoints.missing) == {key for key, row in rows.items() if not row.checkpoints}


def test_the_27_official_files_are_those_of_the_readme(checkpoints: Checkpoints, shared: Path) -> None:
    official = _read_json(shared / "reference" / "official_checkpoints.json")
    expected = [[run["url"] for run in row["runs"]] for row in official["rows"]]
    files = {file.url: file for file in checkpoints.checkpoints}
    assert sum(len(runs) for runs in expected) == 27
    for runs in expected:
        assert [files[url].run for url in runs] == [1, 2, 3]
        assert len({tuple(files[url].serves) for url in runs}) == 1
        assert all(files[url].hash is None and files[url].hash_by == "none" for url in runs)


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_hash_is_the_authors_or_there_is_none(checkpoints: Checkpoints) -> None:
    for file in checkpoints.checkpoints:
        assert (file.hash is not None) == (file.hash_by == "authors"), file.name
