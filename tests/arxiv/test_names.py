from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.arxiv.names import split_authors, to_unicode


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Wei Zhang", ("Wei Zhang",)),
        ("Wei Zhang, Aiko Tanaka", ("Wei Zhang", "Aiko Tanaka")),
        ("Wei\n  Zhang,Aiko  Tanaka", ("Wei Zhang", "Aiko Tanaka")),
        (
            "Maria L. Ortega (University of Seville), Wei Zhang (Fraunhofer IIS)",
            ("Maria L. Ortega", "Wei Zhang"),
        ),
        ("Ann Lee (MIT, Cambridge, USA), Bo Li", ("Ann Lee", "Bo Li")),
        ("Ann Lee (Lab (a, b), City), Bo Li", ("Ann Lee", "Bo Li")),
        ("Ann Lee (1), Bo Li (1 and 2) ((1) MIT, (2) CMU)", ("Ann Lee", "Bo Li")),
        ("Ann Lee (MIT, Bo Li", ("Ann Lee (MIT", "Bo Li")),  # never closed: nobody is lost
        ("Ann Lee), Bo Li", ("Ann Lee)", "Bo Li")),
        ("Ann Lee,, Bo Li,", ("Ann Lee", "Bo Li")),
        ("", ()),
        (" , (MIT)", ()),
    ],
)
def test_authors_are_split_outside_brackets(creator: str, authors: tuple[str, ...]) -> None:
    assert split_authors(creator) == authors


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Ann Lee, Bo Li and Cy Wu", ("Ann Lee", "Bo Li", "Cy Wu")),
        ("Ann Lee, Bo Li, and Cy Wu", ("Ann Lee", "Bo Li", "Cy Wu")),
        ("Ann Lee & Bo Li", ("Ann Lee", "Bo Li")),
        (r"Ann Lee \& Bo Li", ("Ann Lee", "Bo Li")),
        ("Sandy Andersen, Fernand Roy", ("Sandy Andersen", "Fernand Roy")),
        ("Ann Lee, et al.", ("Ann Lee",)),
        ("Ann Lee et al", ("Ann Lee et al",)),  # no separator, no certainty
    ],
)
def test_and_parts_names_and_et_al_is_nobody(creator: str, authors: tuple[str, ...]) -> None:
    assert split_authors(creator) == authors


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        (" The ABC Collaboration, P. Q. Doe", ("The ABC Collaboration", "P. Q. Doe")),
        ("The ABC Collaboration: R. Roe, A. Doe", ("The ABC Collaboration", "R. Roe", "A. Doe")),
        ("P. Q. Doe (for the ABC Collaboration)", ("P. Q. Doe",)),
        ("P. Q. Doe for the ABC Collaboration", ("P. Q. Doe for the ABC Collaboration",)),
        ("P. Q. Doe and the ABC Collaboration", ("P. Q. Doe", "the ABC Collaboration")),
        ("The H1 and ZEUS Collaborations", ("The H1 and ZEUS Collaborations",)),
        ("P. Doe and the H1 and ZEUS Collaborations", ("P. Doe", "the H1 and ZEUS Collaborations")),
    ],
)
def test_a_collaboration_is_one_author(creator: str, authors: tuple[str, ...]) -> None:
    assert split_authors(creator) == authors


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Robert Smith Jr., Ann Lee", ("Robert Smith Jr.", "Ann Lee")),
        ("Robert Smith, Jr., Ann Lee", ("Robert Smith, Jr.", "Ann Lee")),
        ("Robert Smith, Sr, Ann Lee, III", ("Robert Smith, Sr", "Ann Lee, III")),
        ("Jr., Ann Lee", ("Jr.", "Ann Lee")),
        ("Ann Lee, Vi", ("Ann Lee", "Vi")),
    ],
)
def test_a_suffix_stays_with_its_name(creator: str, authors: tuple[str, ...]) -> None:
    assert split_authors(creator) == authors


@pytest.mark.parametrize(
    ("tex", "name"),
    [
        (r"J\"urgen Kr\"{u}ger", "Jürgen Krüger"),
        (r"{\L}ukasz B\l{}a\.z", "Łukasz Błaż"),
        (r"H{\aa}kan {\O}stergaard", "Håkan Østergaard"),
        (r"Fran\c{c}ois Gro\ss", "François Groß"),
        (r"\v{S}imon {\v Z}i\v{z}ek", "Šimon Žižek"),
        (r"\.Ilker \u{g} Erd\H{o}s", "İlker ğ Erdős"),
        (r"Tom\'a\v{s} Dvo\v{r}\'ak", "Tomáš Dvořák"),
        (r"Mar\'{\i}a de la Pe\~na", "María de la Peña"),
        (r"Nguy{\~{\^e}}n \DJ\`inh", "Nguyễn Đình"),
        (r"{\'E}. Lef\`evre {D'Arcy}", "É. Lefèvre D'Arcy"),
        (r"A.~B.\,C. Smith", "A. B. C. Smith"),
        ("A.~B. Smith", "A. B. Smith"),
        (r"R\'emy 100% & #1", "Rémy 100% & #1"),
        (r"Zo\"e $\alpha$ Lee", r"Zoë $\alpha$ Lee"),
    ],
)
def test_tex_becomes_unicode(tex: str, name: str) -> None:
    assert to_unicode(tex) == name


@pytest.mark.parametrize(
    "name",
    ["O'Brien", "Jürgen Krüger", "王伟", "A --- B", "``x''", "50% & #1 $<$", "D`Angelo ^2 a_b"],
)
def test_a_name_without_tex_is_kept(name: str) -> None:
    assert split_authors(name.replace(" & ", " + ")) == (name.replace(" & ", " + "),)
    assert to_unicode(name) == name


def test_accents_are_composed() -> None:
    assert split_authors('Ju\u0308rgen, J\\"urgen') == ("Jürgen", "Jürgen")


@pytest.mark.parametrize(
    "broken",
    [
        r"\"{u",
        "{",
        "}",
        "\\",
        r"\'",
        r"\href{a}{b}",
        r"\frac{a}",
        r"\begin{x}",
        r"$5 \'e",
        r"\input{/etc/hostname}",
        "{" * 3000 + "a" + "}" * 3000,
    ],
)
def test_broken_tex_stays_as_it_is(broken: str) -> None:
    assert split_authors(f"Ann Lee, {broken}") == ("Ann Lee", broken)


def test_braces_and_thin_spaces_hold_a_name_together() -> None:
    assert split_authors(r"{Lee, Ann}, A.\,B. Li") == ("Lee, Ann", "A. B. Li")


@pytest.mark.parametrize("name", [r"Kr\"uger", r"{\'{\i}} Dvo\v{r}\'ak", "Wei Zhang"])
def test_a_thousand_authors_take_less_than_a_second(name: str) -> None:
    started = time.perf_counter()

    authors = split_authors(", ".join(f"{name} {n}" for n in range(1000)))

    assert len(authors) == 1000
    assert time.perf_counter() - started < 1


_TEX = st.text(alphabet="ab Zé.,:;()[]{}\\\"'`^~=$%&#_|uvcHkrt", max_size=60)


@settings(deadline=None)
@given(st.text(max_size=80) | _TEX)
def test_any_text_gives_names_without_blanks(creator: str) -> None:
    authors = split_authors(creator)

    for author in authors:
        assert author
        assert author == " ".join(author.split())
        assert unicodedata.is_normalized("NFC", author)
        author.encode()


_NAMES = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=12).filter(
    lambda name: unicodedata.is_normalized("NFC", name) and name not in {"Jr", "Sr", "III", "IV"}
)


@settings(deadline=None)
@given(st.lists(_NAMES, max_size=20))
def test_joined_names_come_apart_again(names: list[str]) -> None:
    assert split_authors(", ".join(names)) == tuple(names)
    assert split_authors(", ".join(f"{name} (MIT, US)" for name in names)) == tuple(names)
