"""XML as arXiv sends it: feeds, the API's Atom, OAI-PMH. Bytes in, elements out.

defusedxml's parser takes no document type, so there are no entities to blow up, and is strict: what
is cut off or malformed is an error. feedparser reads the same feeds, thirty times slower
(`tests/arxiv/test_feedparser.py` holds the two against each other).
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from pipeline.arxiv import bounds
from pipeline.errors import ArxivMalformed

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


def read_xml(content: bytes, most: int, what: str, where: str) -> Element:
    """The root of what should be `what`, of `most` bytes at the most. Raises ArxivMalformed."""
    bounds.within(content, most, where)
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise malformed(what, where, str(error) or type(error).__name__) from error
    return root


def text_in(parent: Element, path: str) -> str:
    """The text of the first element at `path`, and of all in it; empty where there is none."""
    element = parent.find(path)
    return "" if element is None else "".join(element.itertext())


def malformed(what: str, where: str, said: str) -> ArxivMalformed:
    """What came is not what it should be."""
    return ArxivMalformed(
        f"the answer is not {what}",
        where=where,
        said=said,
        fix="Try again in a few minutes; nothing was changed",
    )
