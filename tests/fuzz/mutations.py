"""Broken and hostile variants of real files: of their bytes, of their tokens, and of what they say.

Everything is drawn from one `random.Random`, so that a number names an input and Hypothesis can shrink one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

TEXTS = (
    *("", " ", "0", "-1", "x", "a b", "a\nb", "\t", "\0", "a\0b", "\x1b[31mred\x1b[0m", "\x9b31m", "\r", "\x07"),
    *("..", "../../../tmp/x", "/etc/passwd", "/dev/full", "~", "~nobody/x", "file:///etc/passwd", "C:\\x", "\\\\a\\b"),
    *("=1+1", "@SUM(A1)", "-2+3", "<script>alert(1)</script>", "]]>", "\\input{/etc/passwd}", "$(id)", "`id`", "; id"),
    *("%s%n", "{}", "{0.__class__}", "{a,b}/{1,2}", "{,}" * 40, "é", "e\u0301", "\u202eabc", "\ufeff", "\U0001f600"),
    *("nan", "inf", "1e999", "9" * 400, "77.88 ± 0.28", "± 1", "-5 ± -1", "\u2212\u2212", "text:", ":", "a:b - c:d"),
    *("table1/moco-k16384", "moco-k16384:imagenet", "table1/", "/", "table1/moco-k16384:imagenet - x", "x" * 5000),
)
LONE = "\ud800"  # half of a pair: JSON can say it, no file can hold it
NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 3, 255, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, math.nan, math.inf, -math.inf),
)
BYTES = (b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b'"', b"'''", b"[", b"]", b"{", b"}", b"#", b"=")
TOML = (
    *("true", "nan", "-inf", "1979-05-27", "07:32:00", "0x" + "f" * 300, "1e400", "9" * 5000, "[]", "{}", '""'),
    *('"\\u0000"', '"\\ud800"', '"\\u001b[31m"', "[[rows]]", "[rows.recipe]", "[[a.b]]", 'a."b.c".d = 1', "id = 'x'"),
    *("[" * 60, "[" * 3000, "{a=" * 60, "{a=" * 3000, '"' + "x" * 20_000 + '"', "'''", '"""\n\n"""', "1_000", "+0"),
)
JSON = (
    *("null", "true", "NaN", "-Infinity", "1e400", "9" * 5000, "[]", "{}", '""', '"\\ud800"', '"\\u0000"', "-0"),
    *("[" * 60 + "]" * 60, "[" * 100_000, '{"a":' * 900 + "1" + "}" * 900, '"' + "x" * 20_000 + '"'),
)
_TOKEN = re.compile(r"""\s+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w.+-]+|.""", re.DOTALL)


def damaged(random: Random, content: bytes) -> bytes:
    """Some bytes changed, added, taken out, repeated or cut off."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        place = random.randrange(len(found) + 1)
        end = min(len(found), place + random.choice((1, 2, 8, 100)))
        match random.randrange(7):
            case 0 if place < len(found):
                found[place] ^= 1 << random.randrange(8)
            case 1:
                found[place:end] = random.randbytes(end - place)
            case 2:
                found[place:place] = random.choice(BYTES)
            case 3:
                del found[place:end]
            case 4:
                found[place:place] = found[place:end]
            case 5:
                del found[place:]
            case _:
                found[place:end] = bytes(end - place)
    return bytes(found)


def retold(random: Random, text: str, odd: tuple[str, ...]) -> str:
    """Some of the words and signs of a text replaced by odd ones or by one another, taken out or repeated."""
    tokens = _TOKEN.findall(text) or [""]
    for _ in range(random.choice((1, 1, 2, 4))):
        place = random.randrange(len(tokens))
        match random.randrange(5):
            case 0:
                del tokens[place : place + random.choice((1, 1, 20))]
            case 1:
                tokens[place:place] = tokens[place : place + random.choice((1, 3, 40))]
            case 2:
                tokens[place] = random.choice(tokens)
            case 3:
                tokens[place] = random.choice(odd)
            case _:
                tokens[place] = json.dumps(random.choice(TEXTS))
        tokens = tokens or [""]
    return "".join(tokens)


def odd(random: Random) -> Any:
    """A value that nobody expects."""
    match random.randrange(8):
        case 0 | 1 | 2:
            return random.choice(TEXTS)
        case 3 | 4:
            return random.choice(NUMBERS)
        case 5:
            return random.choice((True, False, None, [], {}, [[]], {"": {}}, [None], date(1979, 5, 27)))
        case 6:
            return nested(random.choice((3, 40, 150)), random.choice(([], {})))
        case _:
            return [random.choice(NUMBERS), random.choice(TEXTS)] * random.choice((1, 2, 50))


def nested(depth: int, kind: list[Any] | dict[str, Any]) -> Any:
    """Lists in lists, or mappings in mappings."""
    found: Any = 1
    for _ in range(depth):
        found = [found] if isinstance(kind, list) else {"a": found}
    return found


def changed(random: Random, document: Any) -> Any:
    """A document of which some parts are another type, another's, gone, doubled, or under another key."""
    found = _copy(document)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        homes = list(_homes(found))
        if not homes:
            return odd(random)
        home = random.choice(homes)
        key = random.choice(list(home) if isinstance(home, dict) else range(len(home)))
        match random.randrange(8):
            case 0 | 1 | 2:
                home[key] = odd(random)
            case 3:
                del home[key]
            case 4:
                other = random.choice(homes)
                home[key] = _copy(random.choice(list(other.values() if isinstance(other, dict) else other)))
            case 5 if isinstance(home, dict):
                home[random.choice((*TEXTS, *map(str, home)))] = home.pop(key)
            case 6 if isinstance(home, list):
                home.append(home[key])
            case _:
                home[key] = random.choice(([home[key]], {"a": home[key]}, str(home[key]), [home[key]] * 3))
    return found


def _copy(document: Any) -> Any:
    return json.loads(json.dumps(document, default=str))


def _homes(document: Any) -> Iterator[Any]:
    """Every mapping and list that holds something."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict | list) and part:
            yield part
            waiting += part.values() if isinstance(part, dict) else part


def toml(value: Any, *, is_whole: bool = True) -> str:
    """A document as TOML, everything below the first keys on their line; what TOML cannot say is text."""
    if is_whole and isinstance(value, dict):
        return "".join(f"{json.dumps(key)} = {toml(part, is_whole=False)}\n" for key, part in value.items())
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{json.dumps(key)} = {toml(part, is_whole=False)}" for key, part in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(toml(part, is_whole=False) for part in value) + "]"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date():
            return value.isoformat()
        case _:
            return json.dumps("" if value is None else str(value))


Writer = Callable[[Any], str]


def _as_json(value: Any) -> str:
    return json.dumps(value, default=str)


def text(random: Random, content: bytes, *, read: Callable[[str], Any], write: Writer, odd: tuple[str, ...]) -> bytes:
    """A variant of a file of text on one of three levels."""
    match random.randrange(5):
        case 0:
            return damaged(random, content)
        case 1 | 2:
            return retold(random, content.decode(), odd).encode(errors="surrogatepass")
        case _:
            try:
                return write(changed(random, read(content.decode()))).encode(errors="surrogatepass")
            except RecursionError:  # nested in what was nested
                return damaged(random, content)


def of_json(random: Random, content: bytes) -> bytes:
    """A variant of a file of JSON."""
    return text(random, content, read=json.loads, write=_as_json, odd=JSON)


def of_toml(random: Random, content: bytes) -> bytes:
    """A variant of a file of TOML."""
    import tomllib

    return text(random, content, read=tomllib.loads, write=toml, odd=TOML)
