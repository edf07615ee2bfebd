"""What a reader gives of a PDF, before anything is cleaned."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Base64Bytes, Field, model_validator

from pipeline.records import Record

Engine = Literal["pypdf", "pypdfium2"]


class PageText(Record):
    """One page's text in the order of its content stream."""

    text: str
    hidden: int = 0
    """Characters left out because no reader can see them: white, tiny, off the page."""
    disputed: bool = False
    """Another reader's text of the page was not what is shown there, and this stands for it."""


class Front(Record):
    """What the first page says of the paper; empty where it cannot be told."""

    title: str = ""
    authors: tuple[str, ...] = ()


class Figure(Record):
    """A picture: rows of pixels, each of three values."""

    width: int = Field(ge=1, le=480)
    height: int = Field(ge=1, le=360)
    rgb: Base64Bytes
    """Packed for JSON, not for the eye."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.rgb) != self.width * self.height * 3:
            raise ValueError("not as many pixels as it says")
        return self


class RawText(Record):
    """The first pages of a file, as many as were asked for and could be read."""

    engine: Engine
    total: int
    """Pages in the file."""
    pages: tuple[PageText, ...]
    problems: tuple[str, ...] = ()
    """Pages that failed, one line each; they stand as empty pages."""
    links: tuple[str, ...] = ()
    """The http addresses that the first page's links lead to."""
