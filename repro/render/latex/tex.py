"""Text that TeX prints as it stands, whatever signs it has, and how wide it gets in Computer Modern."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from repro.render.printable import printable

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "ς": "varsigma",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "ϑ": "vartheta",
    "ϕ": "varphi", "ϵ": "varepsilon", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_LETTERS = {name: sign for sign, name in _GREEK.items()}
_MATHEMATICS = {
    "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "−": "-", "·": r"\cdot", "∙": r"\cdot", "∘": r"\circ",
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "≈": r"\approx", "∼": r"\sim", "≃": r"\simeq", "≡": r"\equiv",
    "∝": r"\propto", "≪": r"\ll", "≫": r"\gg", "∞": r"\infty", "∈": r"\in", "∑": r"\sum", "∏": r"\prod",
    "√": r"\surd", "∂": r"\partial", "∇": r"\nabla", "∅": r"\emptyset", "∪": r"\cup", "∩": r"\cap", "⊂": r"\subset",
    "⊆": r"\subseteq", "∀": r"\forall", "∃": r"\exists", "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee",
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "↦": r"\mapsto", "⟨": r"\langle", "⟩": r"\rangle", "°": r"^\circ", "µ": r"\mu",
    "✓": r"\checkmark", "✗": r"\times", "•": r"\bullet", "«": r"\ll", "»": r"\gg", "<": "<", ">": ">", "|": "|",
    "†": r"\dagger", "′": r"^\prime", "∫": r"\int", "‡": r"\ddagger",
}  # fmt: skip
_TEXT = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''", "§": r"\S{}", "¶": r"\P{}", "©": r"\copyright{}",
    "£": r"\pounds{}", "–": "--", "—": "---", "‐": "-", "‑": "-", "‘": "`", "’": "'", "“": "``", "”": "''", "„": "``",
    "‚": "`", "⁄": "/", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "ȷ": r"\j{}", "¡": "!`", "¿": "?`",
}  # fmt: skip
_SIGNS = {**_TEXT, **{sign: f"${name}$" for sign, name in _MATHEMATICS.items()}}
_SIGNS |= {sign: rf"$\{name}$" for sign, name in _GREEK.items()}
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0331": "b",
}  # fmt: skip
_RAISED = {"<super": "textsuperscript", "<sub": "textsubscript"}
_BEFORE, _AFTER = "-'`?!,", "-'`,"  # such a pair would join to another sign
_FORMULA = re.compile(rf"\$([^$\\]*(?:\\(?:{'|'.join(_GREEK.values())})\b[^$\\]*)+)\$")
_DIVIDED = re.compile(r"(?<=[/_.:=-])(?=[^/_.:=-])")
_WORD = 130.0  # points of a word that is not broken
_UNKEPT = re.compile(r"([#%{}\\^])")  # \detokenize doubles, drops or minds these
_POINTS = {  # a sign's width in Computer Modern at 10 points -> the signs; Source: cmr10.tfm
    2.8: "!',.:;[]`il|", 3.1: "fj", 3.4: "- _", 3.7: "I", 3.9: "()rst", 4.5: "cez", 5.0: "\"$*/0123456789?\\^ago{}~–",
    5.3: "Jkqvxy", 5.6: "Sbdhnpu", 6.3: "LZ", 6.9: "EFP", 7.3: "BCTw", 7.5: "AHNRUVXY", 7.8: "&+<=>@DGKOQ", 8.4: "#%m",
    9.2: "M", 10.3: "W—",
}  # fmt: skip
_WIDTHS = {sign: points for points, signs in _POINTS.items() for sign in signs}
_WIDE = 8.4  # of any other sign that is printed as one


def escape(text: str) -> str:
    r"""Text on one line that LaTeX prints as it stands; a sign its fonts lack is printed as its number.

    >>> print(escape("50 % of k_1, α = 2, naïve -- 中"))
    50 \% of k\_1, $\alpha$ = 2, na\"{\i}ve -{}- [U+4E2D]
    """
    parts, before = [], ""
    for sign in _plain(text):
        parts += ["{}" if before in _BEFORE and sign in _AFTER else "", _sign(sign)]
        before = sign or before
    return "".join(parts)


def breakable(text: str) -> str:
    r"""The same where a line may also end inside a long word, such as a path, or a word without any end.

    >>> print(breakable("in results/75/75ab44e6c0de/record.json"))
    in results/\allowbreak{}75/\allowbreak{}75ab44e6c0de/\allowbreak{}record.\allowbreak{}json
    """
    return " ".join(r"\allowbreak{}".join(map(escape, pieces(word))) for word in _plain(text).split())


def verbatim(text: str) -> str:
    r"""Text for the name of a file or a message: TeX writes it out sign by sign as it is.

    >>> print(verbatim("../50%_a"))
    \detokenize{../50}\expandafter\@gobble\string\%\detokenize{_a}
    """
    parts = _UNKEPT.split(" ".join(printable(text).split()))
    return "".join(
        rf"\expandafter\@gobble\string\{part}" if place % 2 else rf"\detokenize{{{part}}}"
        for place, part in enumerate(parts)
        if part
    )


@cache
def width(text: str) -> float:
    """How wide a text gets at 10 points, in points; rather too much than too little.

    >>> width("77.88") >= 4 * 5.0 + 2.78
    True
    """
    return sum(map(_points, _plain(text)))


def _plain(text: str) -> str:
    """One line of composed signs; formulas of Greek letters as these letters."""
    return " ".join(printable(unicodedata.normalize("NFC", _FORMULA.sub(_read, text))).split())


def _read(formula: re.Match[str]) -> str:
    return re.sub(r"\\(\w+)", lambda name: _LETTERS[name[1]], formula[1])


def pieces(word: str) -> list[str]:
    """A long word cut behind the signs that divide paths and ids, and where it would still not end.

    >>> pieces("x" * 30)
    ['xxxxxxxxxxxxxxxxxxxxxxxx', 'xxxxxx']
    """
    found = []
    for part in _DIVIDED.split(word) if sum(map(_points, word)) > _WORD else [word]:
        piece, points = "", 0.0
        for sign in part:
            if piece and points + _points(sign) > _WORD:
                found.append(piece)
                piece, points = "", 0.0
            piece, points = piece + sign, points + _points(sign)
        found.append(piece)
    return found


@cache
def _points(sign: str) -> float:
    """How wide a sign gets, about."""
    if sign in _WIDTHS or sign in _SIGNS:
        return _WIDTHS.get(sign, _WIDE)
    how, letters = _decomposed(sign)
    if how or len(letters) == 1:
        return sum(map(_points, letters))
    return 8 * _WIDE if _sign(sign).startswith("[") else _WIDE


@cache
def _sign(sign: str) -> str:
    """One sign as LaTeX takes it."""
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.isascii():
        return sign
    how, letters = _decomposed(sign)
    if how or len(letters) == 1:
        inner = "".join(map(_sign, letters))
        return rf"\{_RAISED[how]}{{{inner}}}" if how in _RAISED else inner
    if len(letters) == 2 and letters[0].isascii() and letters[1] in _ACCENTS:
        base = rf"\{letters[0]}" if letters[0] in "ij" else letters[0]
        return rf"\{_ACCENTS[letters[1]]}{{{base}}}"
    return f"[U+{ord(sign):04X}]"


def _decomposed(sign: str) -> tuple[str, list[str]]:
    """How Unicode says that a sign is made up, nothing for a letter with its marks, and of what."""
    how, _, codes = unicodedata.decomposition(sign).rpartition("> ")
    return how, [chr(int(code, 16)) for code in codes.split()]
