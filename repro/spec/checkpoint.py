"""What a weight file of others is, as a frozen object; every key that a person may write of one is here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from repro.spec.model import Id, Part, Text

CLASSIFIERS = ("pycontrast-classifier", "repro-probe")  # layouts of a file that has a classifier and no encoder
LAYOUTS = ("moco-pretrain", "moco-probe", "torchvision", "data-parallel", "pycontrast", "repro", *CLASSIFIERS)
_NO_LAYOUT = f"Input should be one of {', '.join(LAYOUTS)}, or a prefix with a star, such as backbone.*"


def _layout(word: str) -> str:
    if word not in LAYOUTS and not word[1:].endswith("*"):
        raise PydanticCustomError("layout", _NO_LAYOUT)
    return word


class Checkpoint(Part):
    """A weight file that others made: where from, what is known of it, and which rows it can stand for."""

    name: Id
    url: Text
    filename: Text | None = None  # as its authors call it, where the address does not end in it
    bytes: int | None = Field(default=None, gt=0)
    hash: Annotated[str, StringConstraints(pattern=r"^(md5|sha256)(-prefix)?:[0-9a-f]{8,64}$")] | None = None
    hash_by: Literal["authors", "none"]  # who published the hash; "none": it is recorded at first download, as ours
    licence: Text
    layout: Annotated[str, AfterValidator(_layout)]  # how its tensors are named, as docs/weights.md lists it
    classifier: Id | None = None  # name of another entry: the classifier that goes with this encoder
    serves: list[Text] = []  # "table1/moco-k16384": the rows whose network it is
    run: int | None = Field(default=None, ge=1, le=3)  # which of a row's runs; the first where nobody says
    note: Text | None = None
    source: Text  # where address and hash were read


class Checkpoints(Part):
    """Every weight file by name, and the rows for which nobody published one."""

    schema_: Literal[1] = Field(alias="schema")
    checkpoints: list[Checkpoint] = []
    missing: dict[str, Text] = {}  # "table1/byol" -> what is known of it
