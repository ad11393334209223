"""What verdicts rest on, as the certificate has it and as it is now: its own seals, tables, profile, policy, rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.files import digest
from repro.judge import rules
from repro.judge.certificate import essentials, layout
from repro.judge.certificate.judgement import Ground
from repro.judge.certificate.ledger import Ledger
from repro.judge.policy import Policy
from repro.plan.outline import Plan
from repro.spec.model import Table
from repro.spec.profile import Profile
from repro.store import Store


@dataclass(frozen=True)
class Now:
    """What is here today; `absent` says why there is no profile, `data` has the user's own folders by name."""

    tables: Mapping[str, Table]
    profile: Profile | None
    absent: str
    policy: Policy
    data: Mapping[str, Path]


def seals(document: Mapping[str, Any], ledger: Ledger) -> None:
    """The digests that a certificate carries of itself."""
    ledger.compare("certificate", "digest", document["digest"], _digest(document, "digest"))
    for name, spec in document["tables"].items():
        ledger.compare("certificate", f"{name}, sha256", spec["sha256"], _digest(spec, "sha256"))
    means = document["profile"]
    ledger.compare("certificate", f"profile {means['id']}, sha256", means["sha256"], _digest(means, "sha256"))


def _digest(value: Mapping[str, Any], own: str) -> str:
    return digest({key: part for key, part in value.items() if key != own})


def specs(document: Mapping[str, Any], now: Now, ledger: Ledger) -> set[str]:
    """Tables and profile as they are today; the names of those that are as they were, `profile` for the profile."""
    unchanged, own = set(), (document["asked"]["own"] or {}).get("row")
    for name, spec in document["tables"].items():
        if name not in now.tables:
            ledger.differ("spec", name, "a table of that name", "none")
            continue
        rows = [row for row in spec["rows"] if row["id"] != own]  # a network of the user's own is in no file
        today = essentials.table(now.tables, now.tables[name])
        if ledger.compare("spec", name, _bare({**spec, "rows": rows}), _bare(today)):
            unchanged.add(name)
    means = document["profile"]
    if now.profile is None:
        ledger.unchecked[f"the profile and the rows' recipes: {now.absent}"] += 1
    else:
        today = essentials.profile(now.profile, [board["table"] for board in document["boards"]])
        if ledger.compare("spec", f"profile {means['id']}", _bare(means), _bare(today)):
            unchanged.add("profile")
    return unchanged


def _bare(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in spec.items() if key != "sha256"}


def judging(held: layout.Certificate, on: Ground, now: Now, store: Store, ledger: Ledger) -> None:
    """The policy, and the rules that are kept beside the results."""
    ledger.compare("rules", "policy", asdict(on.policy), asdict(now.policy))
    for board in held.boards:
        table = on.tables[board.table]
        stamp = rules.stamp(rules.content(table, on.profile, on.policy))
        ledger.compare("rules", f"{board.table}, stamp", board.rules.stamp, stamp)
        cells = {(cell.row, cell.column): {seed.seed: seed.job for seed in cell.seeds} for cell in board.cells}
        plan = Plan(table, on.profile, on.options, [], [], cells=cells)
        try:
            changed = list(rules.read(plan, store, policy=on.policy).changed)
        except StoreError as fault:
            ledger.differ("rules", f"{board.table}, kept beside the results", "rules that can be read", str(fault))
            continue
        if board.rules.changed and not store.rules(f"{board.table}-{held.profile.id}"):
            ledger.lack(
                f"{board.table}, the rules that its results were begun under", "none are kept beside the results"
            )
        elif board.rules.changed != changed:
            expected, found = ("; ".join(each) or "none" for each in (board.rules.changed, changed))
            ledger.differ("rules", f"{board.table}, changes after there were results", expected, found)
