"""Data sets as JSON documents: the listing, where each is, and what a look at its images found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from repro.holdings.findings import Finding, Survey
from repro.holdings.places import Glance
from repro.render import datasets
from repro.spec.catalogue import DataSet
from repro.spec.locations import Locations

SCHEMA = 1


def listing(glances: Sequence[Glance], locations: Locations) -> dict[str, Any]:
    """`repro data list --json`."""
    places = {name: str(path) if path else None for name, path in (("root", locations.root),)}
    return {
        "schema": SCHEMA,
        **places,
        "weights": str(locations.weights),
        "cache": str(locations.cache),
        "sets": [_entry(glance) for glance in glances],
    }


def where(glances: Sequence[Glance]) -> dict[str, Any]:
    """`repro data where --json`: all that is known of some sets."""
    return {
        "schema": SCHEMA,
        "sets": [
            {
                **_entry(glance),
                "layout": glance.set.layout,
                "archives": [archive.model_dump() for archive in glance.set.archives],
                "notes": glance.set.notes,
                "sources": glance.set.sources,
            }
            for glance in glances
        ],
    }


def _entry(glance: Glance) -> dict[str, Any]:
    each = glance.set
    return {
        "name": each.name,
        "title": each.title,
        "home": each.home,
        "licence": each.licence,
        "comes": each.comes,
        "bytes": each.loads,
        "images": each.images,
        "hashes": datasets.hashes(each),
        "folder": str(glance.folder) if glance.folder else None,
        "said": glance.said or None,
        "within": glance.within,
        "state": glance.state,
        "missing": list(glance.missing),
        "next": datasets.steps(glance),
    }


def verified(
    each: DataSet, survey: Survey, found: Sequence[Finding], *, looked_at: int, is_quick: bool, code: int
) -> dict[str, Any]:
    """`repro data verify --json`: every finding."""
    levels = Counter(finding.level for finding in found)
    return {
        "schema": SCHEMA,
        "name": each.name,
        "folder": str(survey.base),
        "quick": is_quick,
        "images": survey.images,
        "looked_at": looked_at,
        "faults": levels["fault"],
        "notes": levels["note"],
        "exit": code,
        "counts": [
            {
                "folder": count.folder,
                "images": count.images,
                "images_expected": count.images_expected,
                "classes": count.classes,
                "classes_expected": count.classes_expected,
                "list": count.list,
                "hash": count.hash or None,
            }
            for count in survey.counts
        ],
        "findings": [
            {"level": finding.level, "what": finding.what, "path": finding.path, "detail": finding.detail}
            for finding in found
        ],
    }
