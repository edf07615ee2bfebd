"""A PDF with any text of Unicode in it, visible or not."""

from __future__ import annotations

from collections.abc import Sequence

from tests.pdf.files import assemble, stream

_WIDTH = 14_000  # no line is broken, and none leaves the page
_SIZE, _LEADING, _TOP = 10, 14, 780


def text_pdf(lines: Sequence[str]) -> bytes:
    """One wide page; each character is a glyph that says what it stands for."""
    glyphs = {char: n for n, char in enumerate(sorted(set("".join(lines))), start=1)}
    shown = " ".join(f"<{_codes(line, glyphs)}> Tj T*" for line in lines)
    content = f"BT /F1 {_SIZE} Tf {_LEADING} TL 40 {_TOP} Td {shown} ET".encode()
    return assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d 800] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>" % _WIDTH,
            stream(content),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H"
            b" /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /DW 600 /FontDescriptor 8 0 R"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
            stream(_to_unicode(glyphs)),
            b"<< /Type /FontDescriptor /FontName /Any /Flags 4 /FontBBox [0 0 600 700]"
            b" /ItalicAngle 0 /Ascent 700 /Descent 0 /CapHeight 700 /StemV 80 >>",
        ]
    )


def _codes(line: str, glyphs: dict[str, int]) -> str:
    return "".join(f"{glyphs[char]:04x}" for char in line)


def _to_unicode(glyphs: dict[str, int]) -> bytes:
    """One `bfchar` block takes up to 100 characters."""
    rows = [
        f"<{code:04x}> <{char.encode('utf-16-be', 'surrogatepass').hex()}>"
        for char, code in glyphs.items()
    ]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    body = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CMapName /Any def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{body}\nendcmap end end\n"
    ).encode()
