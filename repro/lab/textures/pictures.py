"""Pictures in and out: photographs of any kind read as RGB, textures written with a note of what they are made from."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from repro.files import canonical

Format = Literal["jpeg", "png"]
Note = dict[str, str | int]
SUFFIX: dict[str, str] = {"jpeg": ".jpg", "png": ".png"}
QUALITY = 95
"""Of JPEG; full colour resolution, as texture is what these pictures are for."""
_KEY = "Comment"  # of the text in a PNG
_FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, Image.DecompressionBombError)


def read(content: bytes) -> NDArray[np.uint8]:
    """A photograph as (H, W, 3), whatever its mode; raises `ValueError` with a reason where it cannot be read."""
    if not content:
        raise ValueError("empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about metadata that nobody looks at
            with Image.open(io.BytesIO(content)) as opened:
                return np.asarray(opened.convert("RGB"))
    except _FAULTS as fault:
        text = str(fault).replace("\n", " ")
        reason = "no picture of a known kind" if "cannot identify" in text else text or type(fault).__name__
        raise ValueError(reason) from fault


def encoded(picture: NDArray[np.uint8], form: Format, note: Note) -> bytes:
    """The bytes of a file, equal for equal arguments, with the note as a JPEG comment or a PNG text."""
    stream = io.BytesIO()
    if form == "jpeg":
        Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0, comment=canonical(note).encode())
    else:
        text = PngImagePlugin.PngInfo()
        text.add_text(_KEY, canonical(note))
        Image.fromarray(picture).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def fault(path: Path, *, pixels: int, note: Note) -> str | None:
    """Why a file is not the texture of this size with this note; None where it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as opened:
                said = opened.info.get("comment", opened.info.get(_KEY, b""))
                opened.load()
                size, mode = opened.size, opened.mode
    except FileNotFoundError:
        return "missing"
    except _FAULTS:
        return "cannot be read"
    if size != (pixels, pixels) or mode != "RGB":
        return f"{size[0]} x {size[1]} {mode} in place of {pixels} x {pixels} RGB"
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return None if text == canonical(note) else "made from something else, or by something else"
