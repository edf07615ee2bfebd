from __future__ import annotations

import inspect
import re
from typing import NamedTuple

import pytest

from pipeline import errors
from pipeline.errors import (
    ArxivThrottled,
    DigestFormatError,
    JianjieError,
    ModelThrottled,
    UsageError,
    one_line,
)

_BRANCH = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>\w+)\s*(?P<text>.*?)\s*$")
_ROOT = "    JianjieError"


class Drawn(NamedTuple):
    """One line of the tree in the module's docstring."""

    parent: str
    text: str
    exit_status: int | None

    @property
    def retryable(self) -> bool:
        return "a retry can help" in self.text


def _drawn() -> dict[str, Drawn]:
    """The tree, by class name. A level is four columns wide."""
    tree: dict[str, Drawn] = {}
    above = ["JianjieError"]
    for line in (errors.__doc__ or "").splitlines():
        found = _BRANCH.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4
        above[depth:] = [found["name"]]
        parent = above[depth - 1]
        text, _, status = found["text"].partition("exit ")
        tree[found["name"]] = Drawn(parent, text.strip(), int(status) if status else None)
    return tree


def _classes() -> dict[str, type[JianjieError]]:
    members = inspect.getmembers(errors, inspect.isclass)
    return {name: each for name, each in members if issubclass(each, JianjieError)}


TREE = _drawn()
NAMES = sorted(TREE)


def test_every_class_is_drawn_and_every_drawn_class_is_there() -> None:
    assert set(_classes()) == set(TREE) | {"JianjieError"}
    assert _ROOT in (errors.__doc__ or "").splitlines()
    assert len(TREE) >= 20


def test_every_exception_of_the_module_is_ours() -> None:
    raised = [each for _, each in inspect.getmembers(errors, inspect.isclass)]

    assert all(issubclass(each, JianjieError) for each in raised if issubclass(each, Exception))


@pytest.mark.parametrize("name", NAMES)
def test_the_parent_is_the_one_that_is_drawn(name: str) -> None:
    assert _classes()[name].__bases__ == (_classes()[TREE[name].parent],)


@pytest.mark.parametrize("name", NAMES)
def test_a_retry_can_help_exactly_where_the_tree_says_so(name: str) -> None:
    assert _classes()[name].retryable is TREE[name].retryable


def test_every_way_to_have_no_pdf_is_one_papers_own_trouble() -> None:
    kinds = {name for name, each in _classes().items() if issubclass(each, errors.PdfError)}

    assert kinds == {name for name in TREE if name.startswith("Pdf")}
    assert issubclass(errors.PdfNotReady, errors.PdfUnavailable)
    assert issubclass(errors.PdfWithdrawn, errors.PdfUnavailable)
    assert not issubclass(errors.PdfChallenged, errors.PdfUnavailable)


@pytest.mark.parametrize("name", NAMES)
def test_the_exit_status_is_the_one_that_is_drawn_or_inherited(name: str) -> None:
    expected: int | None = None
    at = name
    while expected is None and at in TREE:
        expected = TREE[at].exit_status
        at = TREE[at].parent

    assert _classes()[name].exit_status == (1 if expected is None else expected)


@pytest.mark.parametrize("name", [*NAMES, "JianjieError"])
def test_every_class_says_what_it_is(name: str) -> None:
    assert "__doc__" in vars(_classes()[name])
    assert name == "JianjieError" or TREE[name].text


def _example(each: type[JianjieError]) -> JianjieError:
    what, fix = "it broke\nbadly\r\n  twice", "try\nagain"
    if each is DigestFormatError:
        return DigestFormatError(what, file="a\nb.md", line=3, fix=fix)
    return each(what, where="a\nb.md", fix=fix)


@pytest.mark.parametrize("each", _classes().values())
def test_a_message_is_one_line_with_what_where_and_what_to_do(each: type[JianjieError]) -> None:
    error = _example(each)

    place = "a b.md:3" if each is DigestFormatError else "a b.md"
    assert str(error) == f"{place}: it broke badly twice. try again"
    assert (error.what, error.where, error.fix) == ("it broke badly twice", place, "try again")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UsageError("no such paper"), "no such paper"),
        (UsageError("no such paper", where="2604.99001"), "2604.99001: no such paper"),
        (UsageError("no such paper", fix="Look again"), "no such paper. Look again"),
    ],
)
def test_parts_that_are_not_given_leave_no_trace(error: JianjieError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("each", [ArxivThrottled, ModelThrottled])
def test_a_throttled_error_knows_how_long_to_wait(
    each: type[ArxivThrottled | ModelThrottled],
) -> None:
    assert each("slow", retry_after=30.0).retry_after == 30.0
    assert each("slow").retry_after is None


def test_a_format_error_knows_its_line() -> None:
    error = DigestFormatError("no heading", file="a.md", line=7)

    assert (error.line, str(error)) == (7, "a.md:7: no heading")


@pytest.mark.parametrize(
    ("text", "folded"),
    [("a\n b\t\r\nc ", "a b c"), ("", ""), (ValueError("x\ny"), "x y"), ("一\u2028二", "一 二")],
)
def test_white_space_is_folded(text: object, folded: str) -> None:
    assert one_line(text) == folded
