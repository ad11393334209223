"""Where specs lie: the files beside the user first, then those that came with the program."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = PACKAGE / "specs"  # in a wheel; in a checkout the folders stand beside the package


def shipped() -> Path:
    """The folder that holds the `tables/`, `figures/` and `profiles/` which came with the program."""
    return SHIPPED if SHIPPED.is_dir() else PACKAGE.parent


def roots() -> list[Path]:
    """Folders searched for specs, the one that wins first: the current folder if it has any, then what was shipped."""
    here = Path.cwd()
    own = [here] if any((here / name).is_dir() for name in ("tables", "figures", "profiles")) else []
    return own + [root for root in [shipped()] if root.resolve() != here.resolve() or not own]


def files(kind: str) -> dict[str, Path]:
    """Stem -> path of every TOML file of a kind (`tables`, `figures`, `profiles`); the paper's in its order first."""
    found: dict[str, Path] = {}
    for root in reversed(roots()):
        found.update({path.stem: path for path in (root / kind).glob("*.toml")})
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(stem: str) -> tuple[bool, str, int]:
    """Numbered ones as the paper has them, then what has a name of its own."""
    word = stem.rstrip("0123456789")
    return word == stem, word, int(stem[len(word) :] or 0)


def checkpoints(weights: Path) -> list[Path]:
    """The lists of weight files that count, the one that wins last: shipped, beside the weights, in this folder."""
    own = [root / "checkpoints.toml" for root in (weights, Path.cwd())]
    first = shipped() / "checkpoints.toml"
    return [first, *(path for path in own if path.is_file() and path.resolve() != first.resolve())]


def datasets() -> Path:
    """The list of data sets: the user's own where there is one."""
    own = [root / "datasets.toml" for root in roots()]
    return next((path for path in own if path.is_file()), shipped() / "datasets.toml")


def shown(path: Path) -> str:
    """A spec's path as a person would type it."""
    for root in [Path.cwd(), shipped()]:
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)
