"""Make a set of images: a member of `repro/lab/datasets`, written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.lab import data
from repro.lab.jobs import Context, Outcome
from repro.lab.recipes import build, member


def run(
    spec: Mapping[str, Any], *, seed: int | None, inputs: Mapping[str, Path], folder: Path, context: Context
) -> Outcome:
    """Build the set that `spec` describes (`name` and its module's Recipe); its digest is the result.

    A set made from another one derives from that of `inputs["of"]`. What is odd about a set is noted and recorded.
    """
    module = member("datasets", spec["name"])
    recipe = {key: value for key, value in spec.items() if key != "fingerprint"}  # of a folder; only names the job
    wanted = build(module.Recipe, recipe)
    notes: list[str] = []
    noting = replace(context, note=notes.append)
    if "of" in inputs:
        images = module.derive(wanted, data.read(inputs["of"]), context=noting)
    elif hasattr(module, "find"):
        images = module.find(wanted, context=noting)
    else:
        images = module.build(wanted)
    notes += module.remarks(images) if hasattr(module, "remarks") else []
    for note in notes:
        context.note(note)
    files = data.write(images, folder, place=str(spec.get("place", "")))
    context.progress(len(images), len(images), "images")
    values = {"images": len(images), "digest": images.digest}
    return Outcome(values={**values, "notes": notes} if notes else values, files=files)
