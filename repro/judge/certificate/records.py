"""Records and files of a results folder beside what a certificate says of them."""

from __future__ import annotations

from pathlib import Path

from repro.files import file_digest
from repro.judge.certificate import evidence, layout
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.store import Record, Store

_OF = {"data": "images", "weights": "weights", "pretrain": "weights", "probe": "weights"}


def named(job: str, known: layout.Job) -> str:
    """A job in words, with the first digits of its id.

    >>> named("0" * 32, layout.Job.model_construct(label="evaluate imagenet of byol, seed 0"))
    'evaluate imagenet of byol, seed 0 [000000000000]'
    """
    return f"{known.label} [{job[:12]}]"


def read(held: Certificate, store: Store, ledger: Ledger) -> dict[str, Record]:
    """The records that are here and whole, each set beside its entry."""
    found = {}
    for job, known in held.jobs.items():
        record = store.read(job)
        if record is not None:
            ledger.counts["records"] += 1
            found[job] = record
            _compare(held, job, record, ledger)
        elif job in store.damaged:
            words = store.damaged[job].removeprefix(f"{store.folder(job) / 'record.json'}: ")
            fault = words.removesuffix("; it will be computed again")
            ledger.differ("records", named(job, known), "a whole record of this job", fault)
        else:
            ledger.lack(named(job, known), "no record")
    return found


def _compare(held: Certificate, job: str, record: Record, ledger: Ledger) -> None:
    known = held.jobs[job]
    expected = known.model_dump(exclude={"record", "environment"})
    expected["environment"] = held.environments[known.environment]
    found = {**evidence.entry(record), "environment": evidence.environment(record)}
    digest = found.pop("record")
    if ledger.compare("records", named(job, known), expected, found) and digest != known.record:
        ledger.differ("records", f"{named(job, known)}, digest", known.record, digest)


def files(held: Certificate, store: Store, ledger: Ledger) -> None:
    """The bytes of each file that is here; predictions have to be."""
    for job, known in held.jobs.items():
        for name, file in known.files.items():
            path, where = store.folder(job) / name, f"{job[:2]}/{job}/{name} ({known.label})"
            if path.is_file():
                ledger.counts["files"] += 1
                _bytes(path, file, where, ledger)
            elif known.evaluator is not None:
                ledger.lack(where, "no such file")
            else:
                ledger.unchecked[f"files of {_OF.get(known.kind, known.kind)}: not in this results folder"] += 1


def _bytes(path: Path, file: layout.File, where: str, ledger: Ledger) -> None:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            ledger.differ("files", f"{where}, bytes", file.bytes, size)
        elif (digest := file_digest(path)) != file.sha256:
            ledger.differ("files", f"{where}, SHA-256", file.sha256, digest)
    except OSError as fault:
        ledger.differ("files", where, "a file that can be read", fault.strerror or str(fault))
