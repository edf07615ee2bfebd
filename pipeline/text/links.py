"""Links that authors give in abstract, comment and PDF, by what they lead to: code, data, demos.

The host alone decides, so github.com.example is a page like any other, under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.text.html import addresses, shown

_CODE, _WEIGHTS, _DATA, _DEMO, _PAGE = "代码", "权重", "数据", "演示", "主页"
_HOSTS = {
    "github.com": _CODE,
    "gitlab.com": _CODE,
    "bitbucket.org": _CODE,
    "codeberg.org": _CODE,
    "gitee.com": _CODE,
    "zenodo.org": _DATA,
    "osf.io": _DATA,
    "figshare.com": _DATA,
    "sites.google.com": _PAGE,
}
_PAGES = (".github.io", ".gitlab.io", ".pages.dev", ".netlify.app", ".vercel.app")
"""Where projects have their pages."""
_HUB = "huggingface.co"
_HUBS = {"datasets": _DATA, "spaces": _DEMO}
_ARXIV = "arxiv.org"
_MOST = 4
_LONGEST = 300
"""Characters of an address out of a PDF."""


class AuthorLink(NamedTuple):
    """An address with its name for readers."""

    name: str
    """What it leads to; for other pages their host."""
    address: str


def author_links(texts: Iterable[str]) -> tuple[AuthorLink, ...]:
    """The first few, each address and each name once; arXiv's own are none."""
    found: dict[str, AuthorLink] = {}
    for text in texts:
        for address in addresses(text):
            name = _name(address)
            if name and name not in found and len(found) < _MOST:
                found[name] = AuthorLink(name, address)
    return tuple(found.values())


def work_links(texts: Iterable[str]) -> tuple[str, ...]:
    """The addresses in them that lead to code, weights, data, a demo or a project's page.

    By their hosts; a PDF's first page has many others, of publishers, licences and mail.
    """
    known = {_CODE, _WEIGHTS, _DATA, _DEMO, _PAGE}
    found = dict.fromkeys(
        address
        for text in texts
        for address in addresses(text)
        if len(address) <= _LONGEST and _name(address) in known
    )
    return tuple(found)[:_MOST]


def _name(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if not host or host == _ARXIV or host.endswith(f".{_ARXIV}"):
        return None
    if host == _HUB:
        return _HUBS.get(parts.path.split("/")[1] if "/" in parts.path else "", _WEIGHTS)
    if host.endswith(_PAGES):
        return _PAGE
    return _HOSTS.get(host) or shown(host)
