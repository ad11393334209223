"""HTML as a tree, read by the standard library; an element that is not closed where it must be is a failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "img", "input", "link", "meta"}


@dataclass
class Node:
    """An element: its name, its attributes, its children and texts in their order."""

    name: str
    attributes: dict[str, str]
    parent: Node | None = None
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text below it, blanks as one."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()

    def all(self, name: str = "", **attributes: str) -> list[Node]:
        """Elements below it of a name and with these attributes (`class_` among the classes)."""
        return [one for one in self._below() if one._is(name, attributes)]

    def one(self, name: str = "", **attributes: str) -> Node:
        """The only such element."""
        (found,) = self.all(name, **attributes)
        return found

    def _below(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child._below()

    def _is(self, name: str, wanted: dict[str, str]) -> bool:
        classes = self.attributes.get("class", "").split()
        return (not name or self.name == name) and all(
            value in classes if key == "class_" else self.attributes.get(key.replace("_", "-")) == value
            for key, value in wanted.items()
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = self.root

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes), f"an attribute of <{name}> stands twice"
        node = Node(name, {key: value or "" for key, value in attributes}, self.open)
        self.open.children.append(node)
        if name not in VOID:
            self.open = node

    def handle_endtag(self, name: str) -> None:
        assert self.open.name == name, f"</{name}> closes <{self.open.name}>"
        assert self.open.parent is not None
        self.open = self.open.parent

    def handle_data(self, text: str) -> None:
        self.open.children.append(text)


def read(html: str) -> Node:
    """The root of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open is reader.root, f"<{reader.open.name}> is not closed"
    return reader.root
