"""PDFs made by the tests, byte by byte: good ones, odd ones and hostile ones."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader, PdfWriter

WORDS = "The quick brown fox jumps over the lazy dog and the model learns from the data. "


def assemble(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A file of these objects, numbered from 1, with its table of offsets."""
    parts = [b"%PDF-1.7\n"]
    offsets = []
    at = len(parts[0])
    for number, body in enumerate(objects, start=1):
        offsets.append(at)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        at += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table))
    parts.append(b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, at))
    return b"".join(parts)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (extra, len(data), data)


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def pages(*contents: str, resources: str = "", page: str = "", more: Sequence[bytes] = ()) -> bytes:
    """One page for each content stream: 600 x 800, font /F1 of Helvetica.

    `resources` and `page` are added to every page; objects in `more` are numbered from 4.
    """
    first = 4 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * n) for n in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(contents)),
        FONT,
        *more,
    ]
    for number, content in enumerate(contents):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> %b >> %b >>"
            % (first + 2 * number + 1, resources.encode(), page.encode()),
            stream(content.encode("cp1252")),
        ]
    return assemble(objects)


def line(text: str, x: float = 72, y: float = 700, size: float = 10, before: str = "") -> str:
    return f"{before} BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET\n"


def prose(count: int = 3, lines: int = 40) -> bytes:
    """`count` pages of English; page n begins with "Page n"."""
    return pages(
        *(
            line(f"Page {number}", y=760)
            + "".join(line(WORDS, y=740 - 15 * row) for row in range(lines))
            for number in range(1, count + 1)
        )
    )


def cut(good: bytes, share: float) -> bytes:
    return good[: int(len(good) * share)]


def flipped(good: bytes, bits: int, seed: int) -> bytes:
    chance = random.Random(seed)
    broken = bytearray(good)
    for _ in range(bits):
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)


def encrypted(user: str, owner: str = "owner") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(prose(1))))
    writer.encrypt(user, owner, algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _zeros(megabytes: int) -> bytes:
    """So many zeros, deflated: the same block again and again, and Adler's sum of them all."""
    press = zlib.compressobj(9, wbits=-15)
    block = press.compress(bytes(1_000_000)) + press.flush(zlib.Z_FULL_FLUSH)
    total = (megabytes * 1_000_000 % 65521) << 16 | 1
    return b"\x78\xda" + block * megabytes + press.flush() + total.to_bytes(4, "big")


def content_bomb(megabytes: int) -> bytes:
    """A page whose content stream unpacks to so much."""
    return _one_page(stream(_zeros(megabytes), b"/Filter /FlateDecode"))


def twice_deflated_bomb(megabytes: int) -> bytes:
    """The same in a few hundred bytes."""
    data = zlib.compress(_zeros(megabytes), 9)
    return _one_page(stream(data, b"/Filter [/FlateDecode /FlateDecode]"))


def run_length_bomb(megabytes: int) -> bytes:
    """128 bytes for two, and those deflated."""
    data = zlib.compress(b"\x81 " * (megabytes * 1_000_000 // 128), 9)
    return _one_page(stream(data, b"/Filter [/FlateDecode /RunLengthDecode]"))


def many_streams_bomb(megabytes: int, count: int) -> bytes:
    """Contents of one stream, named so many times."""
    objects = _skeleton(b"[%b]" % (b"5 0 R " * count))
    return assemble([*objects, stream(_zeros(megabytes), b"/Filter /FlateDecode")])


def text_bomb(megabytes: int) -> bytes:
    """Text operators without end, which is a valid page."""
    unit = b"BT /F1 9 Tf 72 700 Td (the text of the page) Tj ET\n" * 1000
    press = zlib.compressobj(9)
    rounds = megabytes * 1_000_000 // len(unit)
    data = b"".join(press.compress(unit) for _ in range(rounds)) + press.flush()
    return _one_page(stream(data, b"/Filter /FlateDecode"))


def object_stream_bomb(megabytes: int) -> bytes:
    """The page tree lies in an object stream that unpacks to so much."""
    data = _zeros(megabytes)
    packed = stream(data, b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")
    head = b"%PDF-1.7\n"
    first = b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    third = b"3 0 obj\n%b\nendobj\n" % packed
    rows = [(0, 0, 65535), (1, len(head), 0), (2, 3, 0), (1, len(head) + len(first), 0)]
    at = len(head) + len(first) + len(third)
    rows.append((1, at, 0))
    table = b"".join(bytes([k]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for k, a, b in rows)
    index = stream(table, b"/Type /XRef /Size 5 /W [1 4 2] /Root 1 0 R")
    return head + first + third + b"4 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (index, at)


def _skeleton(contents: bytes) -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        FONT,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %b"
        b" /Resources << /Font << /F1 3 0 R >> >> >>" % contents,
    ]


def _one_page(content: bytes) -> bytes:
    return assemble([*_skeleton(b"5 0 R"), content])


def deep_tree(depth: int) -> bytes:
    """A page tree in which each node has the next as its only child."""
    nodes = [
        b"<< /Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R >>" % (n + 1, n - 1)
        for n in range(2, depth + 2)
    ]
    leaf = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 9 9] >>" % (depth + 1)
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, leaf])


def tree_loop() -> bytes:
    """A page tree whose only child is itself, and that claims a thousand pages."""
    return assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000 /Parent 2 0 R >>",
        ]
    )


def xref_loop() -> bytes:
    """A table of offsets whose predecessor is itself."""
    plain = prose(1)
    at = plain.index(b"xref\n0")
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % at)


def recursive_form() -> bytes:
    """A form that draws itself, twice."""
    form = stream(
        b"BT /F1 9 Tf (again) Tj ET /X Do /X Do",
        b"/Type /XObject /Subtype /Form /BBox [0 0 600 800]"
        b" /Resources << /Font << /F1 3 0 R >> /XObject << /X 4 0 R >> >>",
    )
    return pages("/X Do", resources="/XObject << /X 4 0 R >>", more=[form])


def form_tree(depth: int) -> bytes:
    """Forms that draw the next one ten times each: 10^depth drawings."""
    forms = [
        stream(
            b"/X Do " * 10 + b"BT /F1 9 Tf (leaf) Tj ET",
            b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources"
            b" << /Font << /F1 3 0 R >> /XObject << /X %d 0 R >> >>" % (number + 1),
        )
        for number in range(4, 4 + depth)
    ]
    last = stream(b"BT (end) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    return pages("/X Do", resources="/XObject << /X 4 0 R >>", more=[*forms, last])


def save(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
