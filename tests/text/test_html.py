"""Other people's text in our pages: escaped, shown whole, and made useful where that is safe."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from pipeline.text.html import changed, plain, rich, shown

_OURS = {"html", "head", "body", "a", "code", "del", "ins"}
_PIECES = (
    *"$\\{}^_&%#~<>\"'()[] a1中",
    *("\\(", "\\)", "$$", "\\frac", "\\left(", "\\text{", "\\begin{matrix}", "\u202e"),
    *("\\href{javascript:x}", "https://x.org/", "<script>"),
)
_TEX = st.lists(st.sampled_from(_PIECES), max_size=20).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$\\alpha$-divergence", "α-divergence"),
        ("Erd\\H{o}s and \\emph{x}", "Erdős and x"),
        ("50\\% of $O(n^2)$", "50% of O(n^2)"),
        ("costs $5 and $7", "costs $5 and $7"),
        ("costs \\$5 and \\$7", "costs $5 and $7"),
        ("$\\frac{", "$\\frac{"),
        ("a \\unknown b", "a \\unknown b"),
        ("we propose \\method, a net", "we propose \\method, a net"),
        ("we propose \\textbf{\\texttt{SP3F}}, a net", "we propose SP3F, a net"),
        ("code: \\texttt{\\url{https://x.org/a_b}}", "code: https://x.org/a_b"),
        ("a neutrally buoyant \\gls{rov}.", "a neutrally buoyant rov."),
        (
            "{\\em Hybrid} \\bf layers \\emph{of two words} and {\\bf two more}",
            "Hybrid layers of two words and two more",
        ),
        ("50\\% at https://x.edu/~me/a--b", "50% at https://x.edu/~me/a--b"),
        ("by 30\\. A thorough \\textit{study}", "by 30\\. A thorough study"),
        ("one -- two, costs 5\\%", "one – two, costs 5%"),
        ('\\v{C}ech and \\c cedille and na\\"{\\i}ve', "Čech and çedille and naïve"),
        ("no TeX: 50% & #1", "no TeX: 50% & #1"),
        ("", ""),
    ],
)
def test_tex_is_readable_without_markup(text: str, expected: str) -> None:
    assert " ".join(plain(text).split()) == expected


def test_a_formula_becomes_mathml_with_a_name() -> None:
    parsed = LexborHTMLParser(str(rich("bound by $x_1^2 \\le \\frac{a}{b}$.")))
    math = parsed.css_first("math")
    assert math is not None
    assert math.css("msubsup, mfrac, mo")
    assert math.attributes["aria-label"] == "x_1^2 ≤a/b"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Code: https://github.com/a/b.", "https://github.com/a/b"),
        ("(see https://x.org/a_(b)), or", "https://x.org/a_(b)"),
        ("见 https://x.org/a，与", "https://x.org/a"),
        ('"https://x.org/?a=1&b=2"', "https://x.org/?a=1&b=2"),
    ],
)
def test_an_address_ends_where_it_ends(text: str, address: str) -> None:
    parsed = LexborHTMLParser(str(rich(text)))
    link = parsed.css_first("a")
    assert link is not None
    assert link.attributes["href"] == address
    assert link.text() == address
    assert "nofollow" in str(link.attributes["rel"])
    assert link.attributes["class"] == "external"


def test_arxivs_own_address_is_not_marked() -> None:
    assert "external" not in rich("https://arxiv.org/abs/2601.00001")
    assert "external" in rich("https://evil.org/arxiv.org/abs/2601.00001")
    assert "external" in rich("https://evilarxiv.org/abs/1")


def test_a_diff_is_marked_and_escaped() -> None:
    assert str(changed("a [-b-] … {+c <x>+}")) == "a <del>b</del> … <ins>c &lt;x&gt;</ins>"


def test_nothing_hides() -> None:
    assert shown("a\u202eb\x00\u200b\n\t中é≤") == "a[U+202E]b[U+0000][U+200B]\n\t中é≤"


@given(_TEX | st.text(max_size=60))
def test_any_text_gives_known_elements_and_no_action(text: str) -> None:
    """Only what we make ourselves, and links over http."""
    for made in (rich(text), changed(text)):
        parsed = LexborHTMLParser(str(made))
        for node in parsed.css("*"):
            assert str(node.tag) in _OURS or str(node.tag).startswith("m"), (text, node.html)
            for name, value in node.attributes.items():
                assert not name.startswith("on")
                assert name != "href" or str(value).startswith(("http://", "https://"))
    assert "<script" not in str(rich(text)).lower()
    plain(text)


# Text made to keep the site from ever being built

_OPENINGS = (
    *(
        "\\frac{",
        "\\sqrt[",
        "\\cite[",
        "\\textcolor{",
        "\\includegraphics[",
        "\\footnote[",
        "{",
        "[",
    ),
    *("\\begin{a}", "\\left(", "\\(", "$", "$$", "\\'", "\\emph ", "\\verb|", "^{", "_{", "}", "]"),
    *(
        "\\frac{}{",
        "\\sqrt\\sqrt",
        "\\item[",
        "\\end{a}",
        "%",
        "&",
        "\\newcommand{",
        "x",
        " ",
        "a_",
    ),
)
hostile = st.lists(st.tuples(st.sampled_from(_OPENINGS), st.integers(1, 400)), max_size=6).map(
    lambda parts: "".join(opening * times for opening, times in parts)
)


@given(hostile, st.booleans())
@settings(deadline=dt.timedelta(seconds=5), max_examples=80)
def test_no_text_takes_the_builder_for_long(text: str, dollars: bool) -> None:
    text = f"${text[:290]}$ {text}" if dollars else text
    assert isinstance(plain(text), str)
    assert isinstance(rich(text), str)


@pytest.mark.parametrize("opening", _OPENINGS)
def test_thirty_openings_are_shown_as_they_were_written(opening: str) -> None:
    assert "<script" not in rich(opening * 30)
    assert plain(opening * 30).strip() or not opening.strip("{}$ ")


def test_tex_that_is_broken_in_one_place_is_read_in_the_others() -> None:
    assert plain(r"Schr\"odinger \frac{ and 5\% of caf\'e") == "Schrödinger \\frac{ and 5% of café"


def test_an_address_without_end_is_no_address_from_some_point_on() -> None:
    shown_ = rich("https://x.org/" + ")" * 400_000)
    assert shown_.count("<a ") == 1
    assert shown_.count(")") == 400_000
