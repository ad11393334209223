"""What a number rests on, as it is told to TeX: paths below the results, and the MD5 of what is there."""

from __future__ import annotations

from pathlib import Path

from repro.judge.evidence import Trace, gather
from repro.plan.expand import Options, expand
from repro.spec import load
from repro.store import Store

ABC = "900150983CD24FB0D6963F7D28E17F72"  # of "abc"; RFC 1321, appendix A.5


def test_files_are_told_by_their_md5_and_absent_ones_by_none(tmp_path: Path) -> None:
    specs, store = load.specs(), Store(tmp_path)
    options = Options(seeds=[0, 1], rows=["moco-v2"], columns=["imagenet"])
    plan = expand(specs.tables, specs.table("table3"), load.profile("mini"), options)
    first, second = plan.cells["moco-v2", "imagenet"].values()
    path = tmp_path / first[:2] / first / "record.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"abc")
    found = gather(plan, store)
    assert found.records == {
        ("moco-v2", "imagenet"): (
            Trace(f"{first[:2]}/{first}/record.json", ABC),
            Trace(f"{second[:2]}/{second}/record.json", ""),
        )
    }
    assert found.rules == Trace("rules/table3-mini.json", "")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "table3-mini.json").write_bytes(b"abc")
    assert gather(plan, store).rules == Trace("rules/table3-mini.json", ABC)
