"""A reader's way to whoever can put a line right: an issue or a mail, filled in."""

from __future__ import annotations

from urllib.parse import quote

from pipeline.records import Paper

_TITLE = 200
"""Characters of a paper's title: servers take addresses of some 8,000."""


def feedback_link(address: str | None, paper: Paper, line: str) -> str | None:
    """With subject and text about this paper's line; None where the settings have no address.

    An issue's form takes `title` and `body` from its address, as those of GitHub, GitLab's twins
    and Gitee do; a mail takes `subject` and `body` (RFC 6068).
    """
    if address is None:
        return None
    mail = address.startswith("mailto:")
    title = " ".join(paper.title.split())[:_TITLE]
    subject = f"改进简介：{paper.versioned}"
    lines = (title, f"https://arxiv.org/abs/{paper.versioned}", "", f"现在：{line}", "改为：", "")
    fields = {"subject" if mail else "title": subject, "body": "\r\n".join(lines)}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"{address}{'&' if '?' in address else '?'}{query}"
