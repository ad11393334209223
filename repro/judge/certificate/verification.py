"""Whether a certificate still holds: every record, file, number and verdict of it once more, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.judge.certificate import grounds, judgement, layout, recipes, records, verdicts
from repro.judge.certificate.grounds import Now
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.judge.certificate.measurements import Measurements
from repro.plan import code
from repro.store import Store


def verify(held: Certificate, document: Mapping[str, Any], store: Store, *, now: Now) -> Ledger:
    """Set a certificate beside a results folder and the specs, profile and policy of today.

    `document` is what `held` was read from. Nothing outside of the results folder is opened, and nothing is written.
    """
    ledger = Ledger()
    if held.judged_by.code != code.version(layout.JUDGES):
        ledger.remarks.append("its verdicts were made by another version of the code that judges than is here")
    on = judgement.ground(held.tables, held.profile, held.policy, held.asked)
    grounds.seals(document, ledger)
    unchanged = grounds.specs(document, now, ledger)
    grounds.judging(held, on, now, store, ledger)
    found = records.read(held, store, ledger)
    recipes.compare(held, found, now, ledger, unchanged=unchanged)
    records.files(held, store, ledger)
    measured = Measurements(held, store, ledger).compare()
    if other := ledger.counts["other code"]:
        ledger.remarks.append(f"{other:,} of its evaluations were computed by other code than is here")
    verdicts.compare(held, document, on, ledger, measured=measured)
    return ledger
