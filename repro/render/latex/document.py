"""A table for a paper, with booktabs and siunitx: reported, ours and the verdict of each cell, then the claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.judge.board import Board
from repro.render import legend
from repro.render.latex import tabular, tex
from repro.render.latex.fitting import HEIGHT, SIZES, Size, height, wrapped
from repro.render.latex.tabular import NOTE, SIGN

PACKAGES = "booktabs,siunitx,amssymb"
_FLOAT = 26.0  # points of what an environment needs besides its lines
_STATEMENT, _PAPER, _OURS = 165.0, 56.0, 68.0  # points of the columns of the claims


def table(board: Board) -> str:
    """Whole `table` environments, each no larger than a page of `article`; needs booktabs, siunitx and amssymb."""
    head = [
        f"% {board.table.id}, profile {board.profile.id}; needs \\usepackage{{{PACKAGES}}}",
        f"% judged by the rules {board.rules.stamp}",
    ]
    cells = _cells(board) if board.cells else ()
    return "\n".join([*head, *cells, *_claims(board), ""])


def _cells(board: Board) -> Iterator[str]:
    """The cells at the size that needs the fewest pages, the largest such size, labels broken as little as can be."""
    grids = [tabular.grid(board, lines=lines, sizes=SIZES[start:]) for lines in (2, 3) for start in range(len(SIZES))]
    below = _below(board)
    tried = [(one, *_told(board, one, height(below, NOTE))) for one in grids]
    grid, caption, pages = min(tried, key=lambda one: (len(one[0].fit.groups), len(one[2])))
    for number, tabulars in enumerate(pages, start=1):
        told = caption if number == 1 else f"{caption.partition('. ')[0]}, continued."
        name = board.table.id if number == 1 else f"{board.table.id}-{number}"
        last = number == len(pages)
        yield from _environment(told, f"tab:{name}", tabulars, size=grid.fit.size, below=below if last else [])


def _told(board: Board, grid: tabular.Grid, below: float) -> tuple[str, list[list[str]]]:
    """The caption, and the tabulars of each page; on the last there are `below` points for what stands below."""
    title = f"{_title(board)}, {'reported above and ours below' if grid.lines > 1 else 'reported and ours'}"
    caption = f"{title}. {_sentence(board.table.caption)} {legend.opening(board)}"
    pages, left = tabular.pages(grid, HEIGHT - _FLOAT - height([f"Table 10: {caption}"], SIZES[0]))
    return caption, pages if below <= left else [*pages, []]


def _below(board: Board) -> list[str]:
    """Paragraphs below the table, as LaTeX: units, signs, why cells have no number, what became of the rules."""
    signs = [
        f"{SIGN[verdict]} {tex.escape(f'{verdict}: {legend.MEANING[verdict]}')}"
        for verdict in legend.signs(board)
        if verdict in SIGN
    ]
    signs += [tex.escape(legend.ALONE)] if legend.has_alone(board) else []
    told = enumerate(tabular.reasons(board), start=1)
    return [
        tex.escape(legend.units(board)),
        *(["; ".join(signs) + "."] if signs else []),
        *(rf"\textsuperscript{{{number}}}\,{tex.breakable(text)}" for number, text in told),
        *(tex.breakable(f"The rules changed after there were results: {words}.") for words in board.rules.changed),
    ]


def _title(board: Board) -> str:
    """What it is called in the paper, told from the tables of whoever exports it."""
    title = board.table.title
    return f"{title} of the paper" if title.startswith(("Table ", "Figure ")) else title


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _environment(caption: str, label: str, tabulars: Sequence[str], *, size: Size, below: Sequence[str]) -> list[str]:
    notes = (
        [r"\par\smallskip", rf"{{{NOTE.command}\raggedright", *(rf"{text}\par" for text in below), "}"] if below else []
    )
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{tex.breakable(caption)}}}",
        rf"\label{{{label}}}",
        rf"\smallskip{size.command}\setlength{{\tabcolsep}}{{{size.gap:g}pt}}",
        r"\sisetup{separate-uncertainty=true, tight-spacing=true, group-minimum-digits=12}",
        "\n\\par\\medskip\n".join(tabulars),
        *notes,
        r"\end{table}",
    ]


def _claims(board: Board) -> Iterator[str]:
    """The claims with their verdicts on the paper's numbers and on ours, page by page."""
    rooms = [room / NOTE.scale for room in (_STATEMENT, _PAPER, _OURS)]
    whose = f"on the paper's own numbers and on ours. {legend.opening(board)}"
    pages: list[list[str]] = []
    left = 0.0
    for reading in board.claims:
        texts = (reading.claim.statement, str(reading.paper.verdict), reading.standing)
        needed = max(len(wrapped(text, room)) for text, room in zip(texts, rooms, strict=True)) * NOTE.skip
        if needed > left:
            pages.append([])
            left = HEIGHT - 2 * _FLOAT - height([f"Table 10: Claims of {_title(board)}, {whose}"], SIZES[0])
        pages[-1].append(" & ".join(tex.breakable(text) for text in (reading.claim.id, *texts)) + r" \\")
        left -= needed
    for number, page in enumerate(pages, start=1):
        caption = f"Claims of {_title(board)}, {whose if number == 1 else 'continued.'}"
        name = f"tab:{board.table.id}-claims" + (f"-{number}" if number > 1 else "")
        yield from _environment(caption, name, [_claimed(page)], size=NOTE, below=[])


def _claimed(lines: Sequence[str]) -> str:
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{points:g}pt}}" for points in (_STATEMENT, _PAPER, _OURS))
    head = rf"\begin{{tabular}}{{@{{}}l{columns}@{{}}}}"
    middle = ["& claim & in the paper & ours \\\\", r"\midrule", *lines]
    return "\n".join([head, r"\toprule", *middle, r"\bottomrule", r"\end{tabular}"])
