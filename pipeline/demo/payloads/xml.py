"""XML as arXiv's feeds and API write it.

Prefixes are written out: ElementTree's own namespace table is global to the process.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

SCHEMA = "http://arxiv.org/schemas/atom"
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"


def leaf(parent: Element, tag: str, text: str) -> Element:
    """A child that holds only text."""
    child = SubElement(parent, tag)
    child.text = text
    return child


def document(root: Element) -> bytes:
    """The whole file, indented."""
    indent(root)
    content: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return content
