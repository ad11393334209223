"""What a table, a figure, a checkpoint and a profile are, as frozen objects; every key a person may write is here."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Scalar = bool | int | float | str
CLASSIFIERS = ("pycontrast-classifier", "repro-probe")  # layouts of a file that has a classifier and no encoder
LAYOUTS = ("moco-pretrain", "moco-probe", "torchvision", "data-parallel", "pycontrast", "repro", *CLASSIFIERS)
_NO_LAYOUT = f"Input should be one of {', '.join(LAYOUTS)}, or a prefix with a star, such as backbone.*"


class Part(BaseModel):
    """A piece of a spec: no key but those named, no type but those given, never changed after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Value(Part):
    """One value of a recipe and where it comes from; exactly one of `sourced`, `default`, `choice` is given."""

    value: Scalar | list[Scalar]
    sourced: Text | None = None  # a key of [sources], then where in it
    default: Text | None = None  # a key of [sources]: the default of the code the paper says it follows
    choice: Text | None = None  # nobody states it: our choice, and why


Recipe = dict[str, dict[str, Value]]  # group -> key -> value; group = folder of repro/lab, "name" = module in it


class Margin(Part):
    """The largest difference that counts as the same result, in the column's unit, and why; set before any run."""

    value: float = Field(gt=0)
    why: Text


class Column(Part):
    """What is measured: an evaluator on a data set, one of its metrics, and which direction is better."""

    id: Id
    label: Text
    dataset: Text
    evaluator: Text
    metric: Text
    direction: Literal["up", "down", "none"]
    unit: Literal["percent", "cosine", "mce", "ratio", "count"] = "percent"
    n_images: int | None = None  # what the paper's denominator is, where known
    margin: Margin | None = None
    not_runnable: Text | None = None  # the evaluator is not written yet: why


class Row(Part):
    """One network of a table: its recipe and what the paper reports of it, as printed."""

    id: Id
    label: Text
    block: Text | None = None  # rows of one block share a setting and stand between two rules
    runs: int = Field(ge=0)  # runs behind the reported number; 0: not stated
    origin: Literal["paper", "readme", "own"] = "paper"
    role: Literal["baseline", "ours", "comparison"] = "comparison"  # "ours": the paper's own method
    reported: dict[str, Text] = {}  # column id -> "77.88 ± 0.28" or "80.86"
    suspect: dict[str, Text] = {}  # column id -> why this number must not be a target
    notes: list[Text] = []
    recipe: Recipe = {}
    same_as: Text | None = None  # "table1/moco-k16384": the same network, trained once
    reimplemented: Text | None = None  # no public code exists: what ours rests on
    not_runnable: Text | None = None  # no code here yet: why
    checkpoints: list[Text] = []  # names in checkpoints.toml


class Printed(Part):
    """A number in the running text: exactly as printed, with its sentence."""

    id: Text
    printed: Text
    section: Text
    quote: Text
    about: Text
    unit: Literal["percent", "cosine", "mce", "ratio", "count"] = "percent"
    note: Text | None = None


class Note(Part):
    """A quirk of the paper or its code that a reader must know; severity as in the audit (H, M, L)."""

    id: Text
    severity: Literal["H", "M", "L"]
    text: Text


class Order(Part):
    """Two or more operands in strictly falling order: `first > second > ...`."""

    kind: Literal["order"]
    of: list[Text] = Field(min_length=2)


class Better(Part):
    """`row` is better than each of `than` in each column; better follows the column's direction."""

    kind: Literal["better", "worse"]
    row: Text
    than: list[Text] = Field(min_length=1)
    columns: list[Text] = Field(min_length=1)


class Difference(Part):
    """`row` minus `over` in `column` is the number printed in the text (`printed` is the id of a [[texts]] entry)."""

    kind: Literal["difference"]
    row: Text
    over: Text
    column: Text
    printed: Text


class Gain(Part):
    """`row` gains more over `over` in `columns` than `other` does over `other_over` in `other_columns`."""

    kind: Literal["gain"]
    row: Text
    over: Text
    columns: list[Text] = Field(min_length=1)
    other: Text
    other_over: Text
    other_columns: list[Text] | None = None  # column by column beside `columns`; the same where left out


class Monotone(Part):
    """Each column rises, or falls, strictly along the rows."""

    kind: Literal["monotone"]
    rows: list[Text] = Field(min_length=2)
    columns: list[Text] = Field(min_length=1)
    trend: Literal["rising", "falling"]


class Peak(Part):
    """Among the rows, `at` has the largest value in each column."""

    kind: Literal["peak"]
    rows: list[Text] = Field(min_length=2)
    columns: list[Text] = Field(min_length=1)
    at: Text


class Best(Part):
    """`row` is the best of `among` in each column; best follows the column's direction."""

    kind: Literal["best"]
    row: Text
    among: list[Text] = Field(min_length=1)
    columns: list[Text] = Field(min_length=1)


class Within(Part):
    """The operand lies strictly between `low` and `high`; at least one of them is given."""

    kind: Literal["within"]
    of: Text
    low: float | None = None
    high: float | None = None


class Ratio(Part):
    """|`of`| is more than `above` times |`to`|."""

    kind: Literal["ratio"]
    of: Text
    to: Text
    above: float


class Multiple(Part):
    """Each reported number is a whole multiple of `of` (a denominator check; asked of printed numbers only)."""

    kind: Literal["multiple"]
    rows: list[Text] = Field(min_length=1)
    columns: list[Text] = Field(min_length=1)
    of: Text  # a decimal as text: "0.02"


class Distinct(Part):
    """No two of the columns of one row print the same number (a copy-error check; printed numbers only)."""

    kind: Literal["distinct"]
    rows: list[Text] = Field(min_length=1)
    columns: list[Text] = Field(min_length=2)


class AllOf(Part):
    """Every one of the tests holds."""

    kind: Literal["all"]
    of: list["Test"] = Field(min_length=1)


class AnyOf(Part):
    """At least one of the tests holds."""

    kind: Literal["any"]
    of: list["Test"] = Field(min_length=1)


Test = Annotated[
    Order | Better | Difference | Gain | Monotone | Peak | Best | Within | Ratio | Multiple | Distinct | AllOf | AnyOf,
    Field(discriminator="kind"),
]


class Claim(Part):
    """A sentence of the paper and the test that decides it, on the paper's own numbers and on ours.

    Operands of a test are `row:column` (`table1/row:column` from elsewhere), `text:ID` for a printed number, or a
    difference of two of these, `A - B`. Rows are ids of this table, or `table/row`.
    """

    id: Text
    section: Text
    quote: Text  # the paper's words; "(implied)" in front where the paper does not say it outright
    statement: Text  # the claim in one plain sentence
    of_paper: bool = True  # False: a caution or a transcription check of ours, never counted as a claim of the paper
    note: Text | None = None
    test: Test


class Axes(Part):
    """How a figure is drawn: rows lie along x at these values, columns are the curves."""

    kind: Literal["curves", "histograms", "images", "scatter", "bars"]
    x_label: Text | None = None
    y_label: Text | None = None
    x: dict[str, float] = {}  # row id -> position


class Table(Part):
    """A table or a figure of the paper: columns, rows, numbers as printed, claims, quirks. A figure adds `axes`."""

    schema_: Literal[1] = Field(alias="schema")
    id: Id
    title: Text
    caption: Text
    section: Text
    sources: dict[str, Text] = {}
    columns: list[Column] = []
    recipe: Recipe = {}
    rows: list[Row] = []
    texts: list[Printed] = []
    claims: list[Claim] = []
    notes: list[Note] = []
    axes: Axes | None = None
    not_drawable: Text | None = None


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


class Profile(Part):
    """On what means a table is run: the data that stand in, what is scaled and how, seeds, machine."""

    schema_: Literal[1] = Field(alias="schema")
    id: Id
    title: Text
    judges: Literal["cells", "claims"]  # only real data at paper scale may be set beside the paper's absolute numbers
    seeds: list[int] = Field(min_length=1)
    workers: int = Field(ge=1)
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda", "auto"]
    data: dict[str, Text] = {}  # what --data may name -> what it is
    datasets: dict[str, dict[str, Any]] = {}  # the paper's data set -> {name = module of repro/lab/datasets, ...}
    shared: dict[
        str, dict[str, Any]
    ] = {}  # module of repro/lab/datasets -> values that all data sets of that name share
    missing: dict[str, Text] = {}  # the paper's data set, or a metric -> why there is none here
    scale: dict[str, Rule] = {}  # "group.key" or "group" -> rule
    references: dict[str, Text] = {}  # metric -> whose errors normalise it: "mce" -> "alexnet" or "table1/supervised"
    sizes: dict[str, int] = {}  # the paper's data set -> images in it, where the data set's own recipe does not say
    loaders: int = Field(ge=0, default=0)  # processes that decode images for a job; 0: the job's own
    processes: int | Literal["cards"] = 1  # of one pretraining; "cards": one a graphics card
    rates: dict[str, Rate] = {}  # kind of job -> rate; of a pretraining, whole passes through the network
    disk: dict[str, Space] = {}  # kind of job -> what it leaves


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
