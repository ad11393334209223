"""The rules by which a table is judged: noted beside the results before there are any, so that a later change shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from repro.files import digest
from repro.judge import policy as policies
from repro.judge.policy import Policy
from repro.plan.expand import Plan
from repro.spec.model import Table
from repro.spec.profile import Profile
from repro.store import Store


@dataclass(frozen=True)
class Rules:
    """What a report is judged by; `changed` has a sentence for each change that came after results existed."""

    stamp: str
    content: Mapping[str, Any]
    changed: tuple[str, ...]


def content(table: Table, profile: Profile, policy: Policy) -> dict[str, Any]:
    """All that a verdict rests on besides the numbers: the policy, margins, seeds, what is judged, what is expected."""
    found = {
        "policy": asdict(policy),
        "margins": {column.id: column.margin.value for column in table.columns if column.margin},
        "seeds": list(profile.seeds),
        "judges": profile.judges,
    }
    if table.id in profile.expected:
        found["expected"] = digest(profile.expected[table.id].model_dump())[:12]
    return found


def stamp(rules: Mapping[str, Any]) -> str:
    """Twelve digits by which the same rules are known."""
    return digest(dict(rules))[:12]


def note(plan: Plan, store: Store, *, policy: Policy | None = None) -> None:
    """Before a run: keep its rules beside the results, unless they are the last that were kept."""
    rules = content(plan.table, plan.profile, policy or policies.of(plan.profile))
    kept = store.rules(_name(plan))
    if not kept or kept[-1]["stamp"] != stamp(rules):
        when = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"stamp": stamp(rules), "noted": when, "after_results": _has_results(plan, store), "rules": rules}
        store.keep_rules(_name(plan), [*kept, entry])


def read(plan: Plan, store: Store, *, policy: Policy | None = None) -> Rules:
    """The rules of a report, and how they came to differ from those that its results were begun under."""
    rules = content(plan.table, plan.profile, policy or policies.of(plan.profile))
    kept = store.rules(_name(plan))
    changed = [
        f"{words} ({entry['noted'][:10]})"
        for before, entry in pairwise(kept)
        if entry["after_results"]
        for words in changes(before["rules"], entry["rules"])
    ]
    if kept and kept[-1]["stamp"] != stamp(rules) and _has_results(plan, store):
        changed += [f"{words} (now)" for words in changes(kept[-1]["rules"], rules)]
    return Rules(stamp(rules), rules, tuple(changed))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs, in words.

    >>> changes({"policy": {"level": 0.05}, "seeds": [0]}, {"policy": {"level": 0.1}, "seeds": [0]})
    ['policy.level was 0.05 and is 0.1']
    """
    one, other = dict(_flat(before)), dict(_flat(after))
    return [
        f"{key} was {_told(one, key)} and is {_told(other, key)}"
        for key in dict.fromkeys([*one, *other])
        if _told(one, key) != _told(other, key)
    ]


def _flat(rules: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in rules.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _told(flat: Mapping[str, Any], key: str) -> str:
    value = flat.get(key, "not there")
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _has_results(plan: Plan, store: Store) -> bool:
    return any(store.has(job) for seeds in plan.cells.values() for job in seeds.values())


def _name(plan: Plan) -> str:
    return f"{plan.table.id}-{plan.profile.id}"
