"""Which classes of a folder of photographs are kinds of one thing: ImageNet's dogs, or what the folder's owner says.

Source: the paper, section 4.2, asks for the dogs among ImageNet's classes: indices 151 to 268, 118 breeds.
Differs: Geirhos' list of dogs for shape bias has 109 of them (it lacks the Chihuahua and eight more); see
`repro.metrics`. Wild canids such as the coyote are in neither.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from repro.errors import DataMissing
from repro.reference import dogs

DOG = "dog"
LIST = "superclasses.toml"
_NAMED = 3


def parents(root: Path, *, superclass: str, classes: tuple[str, ...]) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """For each class 0 where it is of the superclass and -1 elsewhere, and the superclass's name; None where none is.

    With "" nothing is asked for. A tree whose root holds `superclasses.toml` (lines `class = "superclass"`) is taken at
    its word; elsewhere "dog" is ImageNet's dogs among classes named by wnid. Raises `DataMissing` where `superclass` is
    unknown or the file is at fault.

    >>> parents(Path("nowhere"), superclass="dog", classes=("n02099601", "n02123045"))
    ((0, -1), ('dog',))
    """
    if not superclass:
        return None, ()
    path = root / LIST
    if path.is_file():
        name, members = _listed(path, classes)
    elif superclass == DOG:
        name, members = DOG, frozenset(dogs())
    else:
        raise DataMissing(
            f'{root}: the superclass "{superclass}" is not known: expected "{DOG}" or a file {LIST} '
            f'with lines such as n02099601 = "{superclass}"'
        )
    inside = tuple(0 if one in members else -1 for one in classes)
    return (inside, (name,)) if 0 in inside else (None, ())


def _listed(path: Path, classes: tuple[str, ...]) -> tuple[str, frozenset[str]]:
    """The one superclass of a file, and its classes."""
    try:
        with open(path, "rb") as file:
            said = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise DataMissing(f'{path}: expected TOML with lines class = "superclass", found a fault: {fault}') from fault
    wrong = [name for name, value in said.items() if not isinstance(value, str) or not value]
    if wrong or not said:
        found = f"none for {wrong[0]!r}" if wrong else "no line"
        raise DataMissing(f'{path}: expected a superclass for each class, as in n02099601 = "dog", found {found}')
    strange = sorted(set(said) - set(classes))
    if strange:
        more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
        raise DataMissing(
            f"{path}: {len(strange)} of its {len(said)} classes are no folder of photographs: "
            f"{', '.join(strange[:_NAMED])}{more}; name the folders as they are in train/ and val/"
        )
    names = sorted(set(said.values()))
    if len(names) > 1:
        raise DataMissing(
            f"{path}: expected one superclass, as fine and coarse accuracy are those of one, found {len(names)}: "
            f"{', '.join(names)}; keep the lines of one"
        )
    return names[0], frozenset(said)
