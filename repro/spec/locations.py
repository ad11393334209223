"""Where this machine has data sets, weights and room for caches: `repro.toml`, or variables of the environment.

Nothing heavy is imported here: every verb that needs an image or a weight file asks first.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import SpecError
from repro.spec import home
from repro.spec.places import Faults, listed, nearest, short

FILE = "repro.toml"
SETS = (
    "imagenet",
    "imagenet-100",
    "imagenet-c",
    "imagenet-sketch",
    "imagenet-r",
    "stylized-imagenet",
    "stl-10",
    "cue-conflict",
    "imagenet-texture",
)
"""Names that `[data]` may have whatever the profiles ask for; those of `datasets.toml`."""
KEYS = ("data", "weights", "cache")
_PREFIX = "REPRO_DATA_"


@dataclass(frozen=True)
class Locations:
    """Folders by what they are for, and who said so; a folder that was named need not be there."""

    data: Mapping[str, Path]  # name of a data set -> its folder
    root: Path | None  # new data sets go below it, and those without a folder of their own are looked for there
    weights: Path
    cache: Path
    said: Mapping[str, str]  # "data.imagenet", "weights", ... -> `repro.toml`, `$REPRO_WEIGHTS`, "by default", ...

    def whose(self, name: str) -> str:
        """Who said where a data set is; "" where nobody did."""
        return self.said.get(f"data.{name}", "")


def load(asked: Iterable[str] = ()) -> Locations:
    """Read `repro.toml` of the current folder, else $REPRO_CONFIG, else ~/.config/repro/repro.toml; variables win.

    `asked` are names that a profile outside of `profiles/` asks for. Raises `SpecError`, a line for each fault.
    """
    path, faults = _file(), Faults(Path(FILE))
    document: Mapping[str, Any] = {}
    if path is not None:
        faults = Faults(path)
        document = _document(path, faults)
    folders = _typed(document, faults)
    said = dict.fromkeys(folders, home.shown(path) if path else "")
    base = path.parent if path else Path()
    found = {key: base / value for key, value in folders.items()}
    for variable, key in _variables().items():
        folder = _folder(os.environ[variable])
        if folder is None:
            faults.lines.append(f"${variable}: expected a folder, found {os.environ[variable]!r}")
        else:
            found[key], said[key] = folder, f"${variable}"
    _names(found, said, asked, faults)
    if faults.lines:
        raise SpecError(faults.lines)
    return _located(found, said)


def _file() -> Path | None:
    """The file that holds, the first of three; raises `SpecError` where a variable names one that is not there."""
    named = os.environ.get("REPRO_CONFIG", "")
    if Path(FILE).is_file():
        return Path.cwd() / FILE
    if named:
        path = _folder(named)
        if path is None or not path.is_file():
            raise SpecError([f"$REPRO_CONFIG: expected a TOML file, found no file at {named}"])
        return path.absolute()
    own = _folder(f"~/.config/repro/{FILE}")
    return own if own is not None and own.is_file() else None


def _document(path: Path, faults: Faults) -> Mapping[str, Any]:
    try:
        faults.text = path.read_text(encoding="utf-8")
        return tomllib.loads(faults.text)
    except OSError as error:
        faults.add((), f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        faults.add((), f"expected UTF-8 text, found byte {error.object[error.start]:#04x} at offset {error.start}")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is among them
        faults.add((), f"expected TOML, found something else: {error}")
    return {}


def _typed(document: Mapping[str, Any], faults: Faults) -> dict[str, Path]:
    """`data.NAME`, `data.root`, `weights`, `cache` -> folder; what is something else is a fault."""
    found: dict[str, Path] = {}
    for key, value in document.items():
        if key not in KEYS:
            faults.add((key,), f'unknown key "{key}"; expected one of {listed(KEYS)}{nearest(key, KEYS)}')
        elif key != "data":
            found |= _entry((key,), value, faults)
        elif isinstance(value, dict):
            for name, inner in value.items():
                found |= _entry((key, name), inner, faults)
        else:
            faults.add((key,), f"data: expected a table [data] of folders by name, found {short(value)}")
    return found


def _entry(place: tuple[str, ...], value: Any, faults: Faults) -> dict[str, Path]:
    label = ".".join(place)
    folder = _folder(value) if isinstance(value, str) else None
    if folder is None:
        faults.add(place, f"{label}: expected a folder as text, found {short(value)}")
        return {}
    return {label: folder}


def _folder(text: str) -> Path | None:
    """A path with ~ made whole; None for the empty text, one with a NUL, and the ~ of a user that is not there."""
    try:
        return Path(text).expanduser() if text.strip() and "\0" not in text else None
    except RuntimeError:
        return None


def _variables() -> dict[str, str]:
    """Variables that are set -> what they name: REPRO_DATA_IMAGENET_C is `data.imagenet-c`."""
    found = {
        variable: f"data.{variable.removeprefix(_PREFIX).lower().replace('_', '-')}"
        for variable in sorted(os.environ)
        if variable.startswith(_PREFIX) and variable != _PREFIX
    }
    return found | {f"REPRO_{key.upper()}": key for key in ("weights", "cache") if f"REPRO_{key.upper()}" in os.environ}


def _names(found: Mapping[str, Path], said: Mapping[str, str], asked: Iterable[str], faults: Faults) -> None:
    """A name of [data] is a data set's, or one that a profile asks for."""
    names = [key.removeprefix("data.") for key in found if key.startswith("data.") and key != "data.root"]
    if all(name in SETS for name in names):
        return
    known = [*SETS, *(name for name in {*asked, *_of_profiles()} if name not in SETS)]
    for name in names:
        if name not in known:
            expected = f"expected root, or one of {listed(known)}{nearest(name, known)}"
            if said[f"data.{name}"].startswith("$"):
                faults.lines.append(f'{said[f"data.{name}"]}: unknown data set "{name}"; {expected}')
            else:
                faults.add(("data", name), f'data: unknown name "{name}"; {expected}')


def _of_profiles() -> list[str]:
    """Names that the profiles at hand ask for; a profile that cannot be read is told of when it is used."""
    names: list[str] = []
    for path in home.files("profiles").values():
        try:
            asked = tomllib.loads(path.read_text(encoding="utf-8")).get("data", {})
        except (OSError, ValueError, RecursionError):
            continue
        names += list(asked) if isinstance(asked, dict) else []
    return sorted(set(names))


def _located(found: dict[str, Path], said: dict[str, str]) -> Locations:
    root = found.get("data.root")
    data = {
        key.removeprefix("data."): path for key, path in found.items() if key.startswith("data.") and key != "data.root"
    }
    for name in _below(root) if root else ():
        if name not in data:
            assert root is not None
            data[name], said[f"data.{name}"] = root / name, f"{said['data.root']}, below root"
    for key in ("weights", "cache"):
        if key not in found:
            found[key] = _folder("~/.cache/repro") or Path(".cache/repro")
            found[key] = found[key] / "weights" if key == "weights" else found[key]
            said[key] = "by default"
    return Locations(data=data, root=root, weights=found["weights"], cache=found["cache"], said=said)


def _below(root: Path) -> list[str]:
    """Folders right below the root; none where it cannot be looked into."""
    try:
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
