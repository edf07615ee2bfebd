"""Pixels as a PNG file, made by the run itself: no file that a worker wrote is published.

https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from pipeline.pdf.pages import Figure

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUECOLOUR, _UP = 2, 2
_KEPT_BITS = 0xF8
"""Of each value: a thumbnail looks the same and takes half the room."""


def png(figure: Figure) -> bytes:
    """Eight bits a value, each row as its difference to the one above. Raises ValueError."""
    pixels = np.frombuffer(figure.rgb, dtype=np.uint8)
    rows = pixels.reshape(figure.height, figure.width * 3) & _KEPT_BITS
    above = np.vstack([np.zeros((1, rows.shape[1]), dtype=np.uint8), rows[:-1]])
    filtered = np.hstack([np.full((figure.height, 1), _UP, dtype=np.uint8), rows - above])
    head = struct.pack(">IIBBBBB", figure.width, figure.height, 8, _TRUECOLOUR, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(filtered.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a file of `png`'s. Raises ValueError for any other."""
    if content[:8] != _SIGNATURE or content[12:16] != b"IHDR" or len(content) < 33:
        raise ValueError("no PNG file")
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
