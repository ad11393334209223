"""What a pickle names, found by reading its operations and running none of them.

Source: the format of torch.save: one pickle in a zip archive, or (until torch 1.6) five pickles one after the other and
then the numbers; pytorch/pytorch torch/serialization.py.
"""

from __future__ import annotations

import pickletools
import re
from typing import BinaryIO

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the first of the five: protocol 2 and torch's magic number
LEGACY_PICKLES = 5  # magic number, version of the format, sizes of integers, what was saved, keys of the storages
_PROTOCOL = 2  # torch.save's
_TENSORS = re.compile(
    r"torch\.(\w+Storage|storage\.(Typed|Untyped)Storage|Size|device|float\w+|bfloat16|u?int\d+|bool)"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter\.Parameter"
    r"|collections\.(OrderedDict|Counter)|_codecs\.encode|(__builtin__|builtins)\.set"
)  # what tensors, numbers and text are made of; fewer than torch.load allows
_BLANKS = frozenset(
    {
        "argparse.Namespace",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
    }
)
_INDIRECT = frozenset({"INST", "OBJ", "EXT1", "EXT2", "EXT4", "STACK_GLOBAL", "NEWOBJ_EX"})  # name things unseen


class Blank:
    """Stands for an object that is of no use here, and forgets what the file says of it.

    Training scripts keep their options (`argparse.Namespace`) and accuracies (numpy's numbers) beside the weights, and
    torch.load refuses both. Nothing of argparse or numpy is called for them: the name in the file leads to this class,
    which takes anything and does nothing with it, so a file cannot do by these names what it could not do without.
    """

    def __new__(cls, *_: object) -> Blank:
        """An empty object, whatever it is made from."""
        return object.__new__(cls)

    def __setstate__(self, _: object) -> None:
        """Forget."""


BLANKS = [(Blank, name) for name in sorted(_BLANKS)]  # for torch.serialization.safe_globals


def named(stream: BinaryIO) -> set[str]:
    """Every class and function that the pickle at the place of `stream` names; the stream is then behind its end.

    Raises `ValueError` where it is cut short or no pickle of torch.save.

    >>> import io
    >>> sorted(named(io.BytesIO(b"\\x80\\x02cos\\nsystem\\nX\\x04\\x00\\x00\\x00true\\x85R.")))
    ['os.system']
    """
    found = set()
    for operation, argument, place in pickletools.genops(stream):
        if operation.name == "GLOBAL":
            found.add(".".join(str(argument).split(" ", 1)))
        elif operation.name == "PROTO" and argument != _PROTOCOL:
            raise ValueError(f"a pickle of protocol {argument}, where torch.save writes {_PROTOCOL}")
        elif operation.name in _INDIRECT:
            raise ValueError(f"the operation {operation.name} at byte {place}, which torch.save never writes")
    return found


def foreign(names: set[str]) -> list[str]:
    """Those that are neither part of tensors, numbers and text nor stood for by a `Blank`.

    >>> foreign({"torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "argparse.Namespace", "os.system"})
    ['os.system']
    """
    return sorted(name for name in names if not _TENSORS.fullmatch(name) and name not in _BLANKS)
