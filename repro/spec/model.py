"""What a table and a figure are, as frozen objects; every key that a person may write in one is here."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Scalar = bool | int | float | str


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
    claims: list[Text] = []  # ids, of this table or `table/ID`, whose arithmetic on the paper's own numbers shows it


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


PanelKind = Literal["curves", "histograms", "scatter", "accuracies", "samples", "classes"]


class Panel(Part):
    """One pair of axes of a figure: which columns it shows, and how.

    `curves`: a column along the rows, or its blocks of rows. `histograms`: the cosines behind a column, row by row.
    `scatter`: the second column against the first. `accuracies`: how many classes have which accuracy. `classes`:
    pictures of the best classes, `dataset` in whole and the column's beside them. `samples`: a query and its negatives.
    """

    kind: PanelKind
    title: Text | None = None
    columns: list[Text] = Field(min_length=1)
    x_label: Text | None = None
    y_label: Text | None = None
    dataset: Text | None = None


class Axes(Part):
    """How a figure is drawn: its panels, from left to right; in curves rows lie along x at these values."""

    panels: list[Panel] = Field(min_length=1)
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
