"""Papers with a sentence in them that no reader sees, in as many ways as PDF has; and honest ones.

Most are operators on the one page of `paper` (`SEEN`, `HELD_OUT`), some are the file around it.
What finds hidden text was made looking at those that are seen, and was then measured on those held
out. On the pages of `HONEST` the sentence is to be seen; `BREAKERS` make pypdf fail, or try to.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.pdf.paper import (
    GAP,
    LIES,
    ON_A_LINE,
    PROSE,
    SECRET,
    SHOWN,
    form,
    paper,
    prose,
    show,
)

COVER = f"0 {GAP - 20} 600 40 re f "
_FRAME = f"q 600 0 0 40 0 {GAP - 20} cm "
_BAND = f"q 0 {GAP - 20} 600 40 re W n "


def _steps(dx: float) -> str:
    """Each letter moved by so much from the one before."""
    return f"BT /F1 10 Tf 60 {GAP} Td " + " ".join(f"{dx} 0 Td ({c}) Tj" for c in SECRET) + " ET "


def _among_letters() -> str:
    """White letters between the black ones of one line."""
    pairs = zip(SECRET, PROSE[: len(SECRET)], strict=True)
    shown = " ".join(f"1 g ({white}) Tj 0 g ({black}) Tj" for white, black in pairs)
    return f"BT /F1 10 Tf 60 {GAP} Td {shown} ET "


SEEN: dict[str, str] = {
    # colour
    "white": "1 g " + show(),
    "nearly white": ".985 .99 .99 rg " + show(),
    "white by CMYK": "0 0 0 0 k " + show(),
    "white by a profile": "/Icc cs 1 1 1 scn " + show(),
    "white by a spot colour": "/Spot cs 0 scn " + show(),
    "white by a tiling pattern": "/Pattern cs /White scn " + show(),
    "black on a black box": "0 g " + COVER + show(),
    "grey on a box as grey": ".5 g " + COVER + ".5 .5 .5 rg " + show(),
    "white on a white image": _FRAME + "/WhiteImage Do Q 1 g " + show(),
    "white outline": "1 G 1 Tr " + show(),
    # transparency
    "clear": "/Clear gs " + show(),
    "all but clear": "/Faint gs " + show(),
    "under a mask of light": "/Masked gs " + show(),
    "lighter of black and white": "1 g " + COVER + "0 g /Lighten gs " + show(),
    "a clear form": "/Clear gs /Says Do ",
    # render mode
    "mode 3": "3 Tr " + show(),
    "mode 7": "7 Tr " + show(),
    "mode 3 over a little picture": f"q 200 0 0 40 60 {GAP - 15} cm /Photo Do Q 3 Tr " + show(),
    # size
    "tiny": show(size=0.5),
    "tiny by the page's matrix": f"q .04 0 0 .04 60 {GAP} cm " + show(x=0, y=0) + " Q ",
    "height 0": f"1 0 0 .0001 0 {GAP} cm " + show(y=0),
    "width 0": f".0001 0 0 1 60 {GAP} cm " + show(x=0, y=0),
    "Tz 0": "0 Tz " + show(),
    "Tz 1": "1 Tz " + show(),
    "a font of the graphics state": f"BT /Tiny gs 60 {GAP} Td ({SECRET}) Tj ET ",
    "a tiny form": "/SaysSmall Do ",
    # place
    "right of the page": show(x=700),
    "above the page": show(y=900),
    "raised off the page": "900 Ts " + show(),
    "pushed off the page": f"BT /F1 10 Tf 60 {GAP} Td [-900000 ({SECRET})] TJ ET ",
    "a form off the page": "/SaysFar Do ",
    # clip
    "clipped to nothing": "0 0 0 0 re W n " + show(),
    "clipped to another place": "0 0 600 300 re W n " + show(),
    "clipped by a form": "/SaysClipped Do ",
    # cover
    "under a white box": show() + "1 g " + COVER,
    "under a black box": show() + "0 g " + COVER,
    "under an image": show() + _FRAME + "/Photo Do Q ",
    "under a form": show() + "/WhiteForm Do ",
    "under a thick line": show() + f"1 G 40 w 0 {GAP} m 600 {GAP} l S ",
    "half under a box, half off the page": show(x=-20) + f"1 g 0 {GAP - 20} 400 40 re f ",
    # layers
    "a layer that is off": "/OC /Off BDC " + show() + "EMC ",
    "a form in a layer that is off": "/SaysOff Do ",
    # fonts
    "empty glyphs": show().replace("/F1", "/Blank"),
    "a font that draws elsewhere": show().replace("/F1", "/Off"),
    "one glyph that means a sentence": f"BT /Many 10 Tf 60 {GAP} Td (x) Tj ET ",
    "no ink among stripes that are a glyph": "BT .8 g /Wall 10 Tf 0 0 Td (x) Tj ET 3 Tr " + show(),
    # marks
    "ActualText": f"/Span << /ActualText ({SECRET}) >> BDC " + show("We thank you.") + "EMC ",
    # among visible text
    "white under a line of prose": "1 g " + show(y=ON_A_LINE),
    "tiny in a line of prose": show(x=62, y=ON_A_LINE + 1, size=0.6),
    "letters on one spot": _steps(0),
    "letters in tiny steps": _steps(0.2),
    "spacing that holds all on one spot": "-5 Tc " + show(),
    "white letters among black ones": _among_letters(),
    "a line of prose twice, once white": "1 g " + show(PROSE + " " + SECRET),
}

HELD_OUT: dict[str, str] = {
    "white by Lab": "/Lab cs 100 0 0 scn " + show(),
    "white by an index": "/Index cs 1 scn " + show(),
    "white by CalRGB": "/Cal cs 1 1 1 scn " + show(),
    "white by a shading pattern": "/Pattern cs /WhiteShade scn " + show(),
    "an empty pattern": "/Pattern cs /Empty scn " + show(),
    "a colorant of no ink": "/Nothing cs 1 scn " + show(),
    "white, filled and outlined": "1 g 1 G 2 Tr " + show(),
    "white on a light shading": _BAND + "/Light sh Q 1 g " + show(),
    "dark on a shading as dark": "/Pattern cs /DarkShade scn " + COVER + show(),
    "under an alpha mask": "/Alpha gs " + show(),
    "screened": "1 g " + COVER + "0 g /Screen gs " + show(),
    "dodged": "1 g " + COVER + "0 g /Dodge gs " + show(),
    "a clear group": "/Clear gs /SaysAsGroup Do ",
    "multiplied white": "/Multiply gs 1 g " + show(),
    "mode 3 by the double quote": f'3 Tr BT /F1 10 Tf 12 TL 60 {GAP + 12} Td 1 1 ({SECRET}) " ET ',
    "mode 7 over a photo": f"q 500 0 0 40 60 {GAP - 15} cm /Photo Do Q 7 Tr " + show(),
    "mode 5, white": "1 G 5 Tr " + show(),
    "mode 3 on a line of prose": "3 Tr " + show(y=ON_A_LINE),
    "turned and flat": "0 1 .0001 0 300 100 cm " + show(x=0, y=0),
    "skewed to a line": f"1 .00001 1 .00001 0 {GAP} cm " + show(x=0, y=0),
    "Tz 1, negative": "-1 Tz " + show(x=300),
    "tiny Type 3": show().replace("/F1", "/Small"),
    "size 0": show(size=0),
    "negative and tiny": show(size=-0.3),
    "turned off the page": "0 1 -1 0 -50 100 cm " + show(x=0, y=0),
    "Td after Td off the page": f"BT /F1 10 Tf 60 {GAP} Td 400 0 Td 400 0 Td ({SECRET}) Tj ET ",
    "under the page by leading": f"BT /F1 10 Tf 500 TL 60 {GAP} Td T* ({SECRET}) ' ET ",
    "clipped by letters": f"BT /F1 10 Tf 7 Tr 60 {GAP - 200} Td (x) Tj ET 0 Tr " + show(),
    "clipped to a line": f"60 {GAP} 500 .01 re W n " + show(),
    "clipped even-odd": f"0 0 600 800 re 0 {GAP - 20} 600 40 re W* n " + show(),
    "under a shading": show() + _BAND + "/Light sh Q ",
    "under a pattern": show() + "/Pattern cs /White scn " + COVER,
    "under an inline image": show() + _FRAME + "BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI Q ",
    "under white letters": show(size=8) + f"1 g BT /Box 20 Tf 50 {GAP - 5} Td ({'x' * 52}) Tj ET ",
    "under a box, then prose on it": show() + "1 g " + COVER + "0 g " + show(PROSE, x=58),
    "a layer not in view": "/OC /Print BDC " + show() + "EMC ",
    "a membership of a layer that is off": "/OC /Member BDC " + show() + "EMC ",
    "what is shown when a layer is not": "/OC /MemberNot BDC " + show() + "EMC ",
    "a layer within a layer": "/OC /On BDC /OC /Off BDC " + show() + "EMC EMC ",
    "white glyphs": show().replace("/F1", "/White"),
    "glyphs that show something else": f"BT /Lying 10 Tf 60 {GAP} Td <{bytes(LIES).hex()}> Tj ET ",
    "ActualText as long as what is shown": f"/Span << /ActualText ({SECRET}) >> BDC "
    + show(SHOWN)
    + "EMC ",
    "ActualText on white": f"1 g /Span << /ActualText ({SECRET}) >> BDC " + show("x") + "EMC ",
    "clear on a line of prose": "/Clear gs " + show(y=ON_A_LINE),
    "clipped on a line of prose": "0 0 600 300 re W n " + show(y=ON_A_LINE),
    "a blank font on a line of prose": show(y=ON_A_LINE).replace("/F1", "/Blank"),
    "lines on one spot": "".join(show(word, x=60) for word in SECRET.split()),
    "letter by letter off the page": "".join(show(c, x=-50 - n) for n, c in enumerate(SECRET)),
    "backwards in tiny steps": _steps(-0.1),
}


def _annotated(subtype: str, appearance: str, extra: str = "") -> bytes:
    annotation = (
        f"/Annots [<< /Type /Annot /Subtype /{subtype} /Rect [0 {GAP - 20} 600 {GAP + 20}]"
        f" /F 4 {extra} /AP << /N {{more}} 0 R >> >>]"
    )
    return paper(show(), page=annotation, more=[form(appearance, box="0 0 600 40")])


FILES_SEEN: dict[str, Callable[[], bytes]] = {
    "outside the crop box": lambda: paper(show(), page=f"/CropBox [0 {GAP + 20} 600 800]"),
    "under a square of an annotation": lambda: _annotated("Square", "1 g 0 0 600 40 re f"),
    "off a page on its side": lambda: paper(show(x=-700), page="/Rotate 90"),
}

FILES_HELD_OUT: dict[str, Callable[[], bytes]] = {
    "under a form field": lambda: _annotated(
        "Widget", "1 g 0 0 600 40 re f", "/FT /Btn /T (x) /Ff 65536"
    ),
    "under a stamp": lambda: _annotated("Stamp", "0 g 0 0 600 40 re f"),
    "outside a crop box on its side": lambda: paper(
        show(), page=f"/Rotate 90 /CropBox [0 {GAP + 20} 600 800]"
    ),
    "a page that is empty but for its head": lambda: paper(
        "3 Tr " + show() + show(y=300), before=prose(rows=3), after=""
    ),
    "in the data of an image": lambda: paper(f"BI /W 900 /H 1 /BPC 8 /CS /G ID {show():<899} EI "),
}

HONEST: dict[str, str] = {
    "plain": show(),
    "grey": ".85 g " + show(),
    "light blue": ".7 .85 1 rg " + show(),
    "white on a dark box": "0 g " + COVER + "1 g " + show(),
    "white on a dark form": "/DarkForm Do 1 g " + show(),
    "red on green as light": f"0 .51 0 rg {COVER} 1 0 0 rg " + show(),
    "white on a photo": _FRAME + "/Photo Do Q 1 g " + show(),
    "white on a shading": _BAND + "/Dark sh Q 1 g " + show(),
    "white on a shading pattern": "/Pattern cs /DarkShade scn " + COVER + "1 g " + show(),
    "a dark pattern": "/Pattern cs /DarkShade scn " + show(),
    "hatched": "/Pattern cs /Dark scn " + show(size=14),
    "half clear": "/Half gs " + show(),
    "under a mask that lets light through": "/Lit gs " + show(),
    "multiplied": "/Multiply gs " + show(),
    "outline": "1 Tr .5 w " + show(),
    "clipped to its place": f"0 {GAP - 20} 600 40 re W n " + show(),
    "in a form": "/Says Do ",
    "in a group": "/SaysAsGroup Do ",
    "a layer that is on": "/OC /On BDC " + show() + "EMC ",
    "upright": f"BT /F1 10 Tf 0 1 -1 0 580 60 Tm ({SECRET}) Tj ET ",
    "upside down": f"BT /F1 10 Tf -1 0 0 -1 540 {GAP} Tm ({SECRET}) Tj ET ",
    "slanted": f"BT /F1 10 Tf .97 .17 -.17 .97 100 300 Tm ({SECRET}) Tj ET ",
    "small": show(size=3),
    "condensed": "60 Tz " + show(),
    "mirrored": f"1 0 0 -1 0 {2 * GAP} cm " + show(),
    "letter by letter": "".join(show(c, x=60 + 6 * n) for n, c in enumerate(SECRET)),
    "kerned by letters": f"BT /F1 10 Tf 60 {GAP} Td ["
    + " ".join(f"({char}) -20" for char in SECRET)
    + "] TJ ET ",
    "twice, to be bold": show() + show(x=60.3),
    "nine times on one spot": show() * 9,
    "over a watermark": ".9 g BT /F1 30 Tf 40 400 Td (DRAFT) Tj ET 0 g " + show(),
    "highlighted": f"1 1 0 rg {COVER} 0 g " + show(),
    "highlighted after": show() + f"/Multiply gs 1 1 0 rg {COVER}",
    "under a clear image": show() + _FRAME + "/ClearImage Do Q ",
    "framed": show() + f"0 G 1 w 55 {GAP - 5} 500 20 re S ",
    "a glyph of boxes": show().replace("/F1", "/Box"),
    "a font that is not in the file": f"BT /Cid 10 Tf 60 {GAP} Td"
    f" <{SECRET.encode('utf-16-be').hex()}> Tj ET ",
    "ActualText that says the same": f"/Span << /ActualText ({SECRET}) >> BDC " + show() + "EMC ",
    "a row of dots": show(SECRET + " " + "." * 40),
    "high and low": show("x")
    + "".join(
        show(word, x=70 + 50 * n, y=GAP + 4 * (n % 2), size=5)
        for n, word in enumerate(SECRET.split())
    ),
}


def _lines() -> str:
    return prose(rows=50) + show(y=40)


HONEST_FILES: dict[str, Callable[[], bytes]] = {
    "a scan": lambda: paper(
        "q 600 0 0 800 0 0 cm /Scan Do Q 3 Tr " + _lines(), before="", after=""
    ),
    "a scan over its text": lambda: paper(
        _lines() + "q 600 0 0 800 0 0 cm /Scan Do Q ", before="", after=""
    ),
    "a dark slide": lambda: paper(
        "1 g " + show(), before="0 g 0 0 600 800 re f 1 g " + prose(), after=prose(GAP - 30)
    ),
    "a page on its side": lambda: paper(show(), page="/Rotate 90"),
    "cropped around it": lambda: paper(show(), page="/CropBox [20 20 580 780]"),
    "an annotation that lets it through": lambda: _annotated("Square", "1 0 0 RG 1 1 598 38 re S"),
}


def _swapped(old: bytes, new: bytes) -> Callable[[str], bytes]:
    return lambda content: paper(content).replace(old, new)


BREAKERS: dict[str, Callable[[str], bytes]] = {
    "a box without end": _swapped(b"/MediaBox [0 0 600 800]", b"/MediaBox [-1e308 0 600 800]"),
    "a table without end": _swapped(b"xref\n0 ", b"xref\n0 99999999"),
    "a box of names": _swapped(b"/MediaBox [0 0 600 800]", b"/MediaBox [/a /b /c /d]"),
    "a number of 5,000 digits": lambda content: paper("9" * 5000 + " w " + content),
    "arrays 2,000 deep": lambda content: paper("[" * 2000 + "]" * 2000 + " n " + content),
    "no operand for a font": lambda content: paper("BT Tf ET " + content),
    "letters for a place": lambda content: paper("BT (a) (b) Td ET " + content),
    "a map without an end": _swapped(b"endbfchar", b"endbfrangf"),
    "an encoding that is a number": _swapped(b"/Encoding /WinAnsiEncoding", b"/Encoding 7"),
    "a filter of no kind": _swapped(b"/Subtype /Form /BBox [0 0 600 300]", b"/Filter /Of"),
}
