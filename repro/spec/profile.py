"""What a profile is, as a frozen object; every key that a person may write in one is here."""

from typing import Any, Literal

from pydantic import Field

from repro.spec.model import Id, Part, Scalar, Text


class Rule(Part):
    """How one value of a recipe changes on a profile's means: exactly one of `set`, `multiply`, `map`, and why."""

    set: Any = None
    multiply: float | None = None
    map: dict[str, Scalar] | None = None  # the paper's value, as text -> ours; a value not in it is a fault
    why: Text


class Rate(Part):
    """How fast one kind of job goes on one core or card of the profile, for the estimate before there is a record."""

    images_per_second: float = Field(gt=0)
    pixels: int = Field(ge=0, default=0)  # the side of the images it was measured at; 0: of whatever the profile has
    why: Text


class Space(Part):
    """What one kind of job leaves on the disk: so much, and so much for each image that passes through it."""

    bytes: float = Field(ge=0)
    bytes_per_image: float = Field(ge=0)
    why: Text


class Judging(Part):
    """What differs from the standard rules of judging (repro/judge/policy.py, which says each); set before any run."""

    level: float | None = Field(gt=0, lt=0.5, default=None)
    gate: float | None = Field(gt=0, lt=0.5, default=None)
    spread_level: float | None = Field(gt=0, lt=0.5, default=None)
    ddof: Literal[0, 1, "unknown"] | None = None
    noise: Literal["pooled", "own"] | None = None
    most_seeds: int | None = Field(ge=1, default=None)
    band: float | None = Field(ge=0, default=None)
    why: Text


class Expected(Part):
    """What a table gives on a profile: measured once, so that a later change of our own code shows.

    `cells` has row -> column -> mean and deviation (ddof 1) over `seeds`, as `repro export --format expected` writes.
    """

    command: Text  # that made them
    machine: Text  # processor, system, versions
    seeds: list[int] = Field(min_length=5)
    cells: dict[str, dict[str, Text]]


class ExpectedFile(Part):
    """The file `expected/<profile>.toml` beside a profile: table -> what is expected of it."""

    schema_: Literal[1] = Field(alias="schema")
    tables: dict[str, Expected]


class Profile(Part):
    """On what means a table is run: the data that stand in, what is scaled and how, seeds, machine."""

    schema_: Literal[1] = Field(alias="schema")
    id: Id
    title: Text
    judges: Literal["cells", "claims"]  # only real data at paper scale may be set beside the paper's absolute numbers
    policy: Judging | None = None  # the standard rules where left out
    seeds: list[int] = Field(min_length=1)
    workers: int = Field(ge=1)
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda", "auto"]
    data: dict[str, Text] = {}  # what --data may name -> what it is
    datasets: dict[str, dict[str, Any]] = {}  # the paper's data set -> {name = module of repro/lab/datasets, ...}
    # module of repro/lab/datasets -> values that all data sets of that name share
    shared: dict[str, dict[str, Any]] = {}
    missing: dict[str, Text] = {}  # the paper's data set, or a metric -> why there is none here
    scale: dict[str, Rule] = {}  # "group.key" or "group" -> rule
    references: dict[str, Text] = {}  # metric -> whose errors normalise it: "mce" -> "alexnet" or "table1/supervised"
    sizes: dict[str, int] = {}  # the paper's data set -> images in it, where the data set's own recipe does not say
    loaders: int = Field(ge=0, default=0)  # processes that decode images for a job; 0: the job's own
    processes: int | Literal["cards"] = 1  # of one pretraining; "cards": one a graphics card
    rates: dict[str, Rate] = {}  # kind of job -> rate; of a pretraining, whole passes through the network
    disk: dict[str, Space] = {}  # kind of job -> what it leaves
    expected: dict[str, Expected] = {}  # table -> its numbers on these means; shipped in a file of their own
