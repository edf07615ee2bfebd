from __future__ import annotations

import pytest

from pipeline.categories import (
    canonical,
    is_arxiv_category,
    nearest,
    oai_set,
    taxonomy,
    vocabulary,
)
from pipeline.errors import UsageError


def test_the_vocabulary_is_arxivs_155_categories_and_6_aliases() -> None:
    known = taxonomy()

    assert len(known.categories) == 155
    assert known.aliases == {
        "math.MP": "math-ph",
        "stat.TH": "math.ST",
        "math.IT": "cs.IT",
        "q-fin.EC": "econ.GN",
        "cs.SY": "eess.SY",
        "cs.NA": "math.NA",
    }
    assert vocabulary() == set(known.categories) | set(known.aliases)
    assert known.categories["cs.SD"] == "Sound"


def test_the_source_names_a_file_and_a_revision() -> None:
    assert "arxiv/taxonomy/definitions.py" in taxonomy().source
    revision = taxonomy().source.rpartition(" ")[2]
    assert len(revision) == 40


def test_every_alias_stands_for_an_active_category() -> None:
    known = taxonomy()

    assert set(known.aliases.values()) <= set(known.categories)
    assert not set(known.inactive) & vocabulary()


@pytest.mark.parametrize("category", ["cs.SD", "eess.AS", "hep-th", "cs.NA", "math.IT", "cmp-lg"])
def test_what_arxiv_made_is_a_category(category: str) -> None:
    assert is_arxiv_category(category)


@pytest.mark.parametrize("category", ["I.2.7", "H.5.5", "68T10", "cs.XX", "CS.SD", "phys.exp", ""])
def test_acm_and_msc_classes_and_inventions_are_not(category: str) -> None:
    assert not is_arxiv_category(category)


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("cs.SY", "eess.SY"),
        ("eess.SY", "eess.SY"),
        ("math.IT", "cs.IT"),
        ("cmp-lg", "cs.CL"),
        ("cs.SD", "cs.SD"),
        ("no.SUCH", "no.SUCH"),
    ],
)
def test_a_category_and_its_alias_have_one_name(category: str, expected: str) -> None:
    assert canonical(category) == expected


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("cs.sd", "cs.SD"),
        ("CS.sd", "cs.SD"),
        ("cs.SDD", "cs.SD"),
        ("eess.as", "eess.AS"),
        ("eess.ASS", "eess.AS"),
        ("CS.CL", "cs.CL"),
        ("esss.AS", "eess.AS"),
        ("Sound", "cs.SD"),
        (" sound ", "cs.SD"),
        ("Machine  Learning", "cs.LG"),
        ("signal proccessing", "eess.SP"),
        ("speech", "eess.AS"),
        ("mathematical physics", "math-ph"),
    ],
)
def test_the_nearest_category_is_the_one_that_was_meant(wrong: str, meant: str) -> None:
    found = nearest(wrong)

    assert found[0] == meant
    assert len(found) <= 3
    assert set(found) <= vocabulary()


def test_nothing_is_near_to_garbage() -> None:
    assert nearest("@@@@") == []
    assert len(nearest("cs.SD", n=1)) == 1


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("cs.SD", "cs:cs:SD"),
        ("eess.AS", "eess:eess:AS"),
        ("hep-th", "physics:hep-th"),
        ("astro-ph.CO", "physics:astro-ph:CO"),
        ("cs.SY", "eess:eess:SY"),
        ("cmp-lg", "cs:cs:CL"),
    ],
)
def test_a_category_has_its_oai_set_and_an_alias_its_categorys(
    category: str, expected: str
) -> None:
    assert oai_set(category) == expected


def test_every_active_category_has_an_oai_set() -> None:
    assert set(taxonomy().oai_sets) == set(taxonomy().categories)
    assert all(oai_set(category) for category in vocabulary())


@pytest.mark.parametrize("category", ["cs.SDD", "I.2.7", ""])
def test_what_is_no_category_has_no_oai_set(category: str) -> None:
    with pytest.raises(UsageError, match="is not an arXiv category") as caught:
        oai_set(category)

    assert "Nearest: " in caught.value.fix
