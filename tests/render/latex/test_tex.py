"""Text for TeX: whatever stands in a label is printed, in fonts that every installation has."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.render.latex import tex
from tests.latex import ARTICLE, compiled


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("a_b & 5 % of $x #1 ~ ^", r"a\_b \& 5 \% of \$x \#1 \textasciitilde{} \textasciicircum{}"),
        ("77.88 ± 0.28, α ≥ −2", r"77.88 $\pm$ 0.28, $\alpha$ $\ge$ $-$2"),
        ("red: $\\alpha = 2$, $5 and $6", r"red: $\alpha$ = 2, \$5 and \$6"),
        ("a -- b --- c ?` '' ,,", r"a -{}- b -{}-{}- c ?{}` '{}' ,{},"),
        ('"x" <y> |z|', r"''x'' $<$y$>$ $|$z$|$"),
        ("one\n\ntwo\tthree\x1b[31m\x00", "one two three[31m"),
        ("naïve Łódź Erdős", r"na\"{\i}ve \L{}\'{o}d\'{z} Erd\H{o}s"),
        ("10² x₁ ﬁ ½ Ａ…", r"10\textsuperscript{2} x\textsubscript{1} fi 1/2 A..."),
        ("中 😀 ą ش", "[U+4E2D] [U+1F600] [U+0105] [U+0634]"),
        ("e\u0301 \u0301", r"\'{e} [U+0301]"),
    ],
)
def test_what_tex_would_take_for_its_own_is_escaped(text: str, escaped: str) -> None:
    assert tex.escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("results/75/75ab44e6c0de4f1a/record.json", [r"results/", "75/", "75ab44e6c0de4f1a/", "record.", "json"]),
        ("x" * 50, ["x" * 24, "x" * 24, "xx"]),
        ("中" * 3, ["[U+4E2D]"] * 3),
        ("a-short.word, 0.05", ["a-short.word, 0.05"]),
    ],
)
def test_a_long_word_may_be_broken(text: str, cut: list[str]) -> None:
    assert tex.breakable(text).split(r"\allowbreak{}") == cut


def test_a_text_is_never_wider_than_said(tmp_path: Path) -> None:
    lines = [
        "MoCo-v2 - k = 16384",
        "+ Patch-based - α = 2, k = 65536 (README only)",
        "".join(chr(sign) for sign in range(33, 127)),
        "Stylized-ImageNet mmm WWW 0123456789 ±×−≥",
        "中 é ½ ﬁ …",
    ]
    sizes = [f"\\sbox0{{{tex.escape(line)}}}\\typeout{{width \\the\\wd0}}" for line in lines]
    code, complaints = compiled(ARTICLE % (r"\usepackage{amssymb}", "\n".join([*sizes, "x"])), tmp_path)
    assert (code, complaints) == (0, [])
    log = (tmp_path / "paper.log").read_text(encoding="utf-8", errors="replace")
    widths = [float(line[6:-2]) for line in log.splitlines() if line.startswith("width ")]
    for line, width in zip(lines, widths, strict=True):
        assert width <= tex.width(line) <= 1.3 * width + 10, line


def test_any_sign_can_be_typeset(tmp_path: Path) -> None:
    signs = [chr(code) for code in [*range(0x20, 0x17F), *range(0x370, 0x400), *range(0x2000, 0x2300), 0x4E2D, 0x1F600]]
    body = "\n\n".join(tex.breakable(f"x{sign}{sign}y") for sign in signs)
    code, complaints = compiled(ARTICLE % (r"\usepackage{amssymb}", body), tmp_path)
    assert (code, complaints) == (0, [])
