"""The errors a person can cause or meet; each is one sentence and an exit code, caught only in the command line."""

from __future__ import annotations


class ReproError(Exception):
    """Something a person can mend: where, what was expected, what was found, what to do."""

    exit_code = 2


class UsageError(ReproError):
    """A command line that names something that does not exist or does not fit."""


class SpecError(ReproError):
    """One or more faults in tables, figures, profiles or checkpoints; one line each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class DataMissing(ReproError):
    """Images or weights that are not on this machine, and how to get them."""

    exit_code = 4


class StoreError(ReproError):
    """A results folder that cannot be read or written."""

    exit_code = 2


class JobFailed(ReproError):
    """A job that ended without a result: why, and where its log is."""

    exit_code = 3


class Interrupted(ReproError):
    """A run that was stopped on request; the next one goes on from there."""

    exit_code = 130
