"""The network's own classifier is handed on as it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from repro.errors import JobFailed
from repro.lab.jobs import Context
from repro.lab.probes import own
from repro.lab.probing import Classifier
from tests.lab.probes.test_probes import material


def test_it_is_handed_on_as_it_is(tmp_path: Path) -> None:
    classifier = Classifier(torch.randn(3, 6), torch.randn(3))
    given = dataclasses.replace(material(tmp_path), own=classifier)
    fit = own.fit(given, own.Recipe(), context=Context(device="cpu"))
    assert fit.classifier is classifier
    assert fit.values == {}


def test_where_the_network_has_none_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        own.fit(material(tmp_path), own.Recipe(), context=Context(device="cpu"))
    assert str(caught.value) == (
        'probe.name: "own" takes the classifier that the pretraining learned, and it left none of these 3 classes; a '
        "method that learns from labels leaves one (supervised)"
    )
