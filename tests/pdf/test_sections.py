import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.pdf.contributions import MAX_CONTRIBUTIONS, contributions
from pipeline.pdf.sections import (
    is_heading,
    kind_of,
    opens_section,
    split,
)
from pipeline.records import TextSection

PROSE = "We look at shells, and what we see in them is not what was said before of any. " * 6
WORKS = "[1] A. Writer. A work. 2001.\n[2] B. Reader. 2002.\n[3] C. Finder. 2003. [4] 2004."


def paper(*headings: str) -> str:
    return "\n".join(f"{heading}\n{PROSE}" for heading in headings)


def kinds(text: str) -> list[str]:
    return [section.kind for section in split(text)]


def headings(text: str) -> list[str]:
    return [section.heading for section in split(text)]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Abstract", "abstract"),
        ("1 Introduction", "introduction"),
        ("1. Introduction and motivation", "introduction"),
        ("I. I NTRODUCTION", "introduction"),
        ("2 Related Work", "related"),
        ("Background and Related Work", "related"),
        ("II. P RIOR W ORK", "related"),
        ("3 Methodology", "method"),
        ("Materials and Methods", "method"),
        ("4) Our Approach", "method"),
        ("4 Experimental Setup", "experiments"),
        ("Results and Discussion", "experiments"),
        ("5 Discussion and Conclusions", "conclusion"),
        ("Concluding Remarks", "conclusion"),
        ("5. Summary", "conclusion"),
        ("Acknowledgements", "acknowledgements"),
        ("VIII. ACKNOWLEDGMENT", "acknowledgements"),
        ("R EFERENCES", "references"),
        ("References and Notes", "references"),
        ("Appendix A: Proofs", "appendix"),
        ("Supplementary Material", "appendix"),
        ("3 The Shape of Shells", "other"),
    ],
)
def test_the_kind_is_in_the_name(heading: str, kind: str) -> None:
    assert kind_of(heading) == kind
    assert is_heading(heading)


@pytest.mark.parametrize(
    "line",
    [
        "introduction of the method",
        "1 Introduction ........ 3",
        "3 of the shells were empty",
        "12 34.5 67.8",
        "Methods are what we use here, and there are many of them to be used, as was said before",
        "2D Shells",
        "5The API is described at the address",
        "Conclusions,",
        "4 × 4 =",
        "",
    ],
)
def test_a_line_that_is_no_heading(line: str) -> None:
    assert not is_heading(line)


def test_a_numbered_paper() -> None:
    text = paper("A Title", "Abstract", "1 Introduction", "2 Shells", "2.1 Their Form", "3 Results")
    text += "\n" + paper("4 Conclusion", "Acknowledgments") + "\nReferences\n" + WORKS
    assert kinds(text) == [
        "title",
        "abstract",
        "introduction",
        "other",
        "experiments",
        "conclusion",
        "acknowledgements",
        "references",
    ]
    assert "2.1 Their Form\n" in split(text)[3].text
    assert split(text)[-1].text == WORKS


def test_roman_numbers_small_capitals_and_a_run_in_abstract() -> None:
    text = f"A Title\nAbstract—{PROSE}\nIndex Terms—shells, form\n"
    text += paper("I. I NTRODUCTION", "II. S HELLS", "A. Their Form", "III. C ONCLUSION")
    text += f"\nR EFERENCES\n{WORKS}"
    assert headings(text) == [
        "",
        "Abstract—",
        "Index Terms—",
        "I. INTRODUCTION",
        "II. SHELLS",
        "III. CONCLUSION",
        "REFERENCES",
    ]
    assert split(text)[1].text == PROSE.strip()


def test_a_paper_without_numbers() -> None:
    text = paper("ABSTRACT", "INTRODUCTION", "SHELLS OF THE SEA", "METHODS", "CONCLUSIONS")
    assert kinds(text) == ["abstract", "introduction", "other", "method", "conclusion"]
    text = paper("Summary", "Introduction", "Results", "Methods", "Discussion")
    assert kinds(text) == ["abstract", "introduction", "experiments", "method", "conclusion"]


def test_cells_of_a_table_do_not_split() -> None:
    table = "\nMethod\nModel\n3 Baselines\nResults\nMethod\n"
    text = paper("1 Introduction", "2 Shells") + table + paper("3 Experiments", "4 Conclusion")
    assert headings(text) == ["1 Introduction", "2 Shells", "3 Experiments", "4 Conclusion"]


def test_affiliations_and_lists_do_not_split() -> None:
    text = "A Title\n1 Department of Shells\n2 Institute of the Sea\n"
    text += paper("1 Introduction") + "\n1. Shells are round\n2. Shells are hard\n"
    text += paper("2 Methods", "3 Conclusion")
    assert headings(text) == ["", "1 Introduction", "2 Methods", "3 Conclusion"]


def test_a_table_of_contents_does_not_split() -> None:
    names = ["1 Introduction", "2 Shells", "3 Results", "4 Conclusion", "References"]
    text = "A Title\n" + "\n".join(names) + "\n" + paper(*names[:-1]) + f"\nReferences\n{WORKS}"
    assert headings(text) == ["", *names]
    assert all(section.text for section in split(text))


def test_one_missing_heading_does_not_end_the_numbering() -> None:
    assert headings(paper("1 Introduction", "2 Shells", "4 Results", "5 Conclusion")) == [
        "1 Introduction",
        "2 Shells",
        "4 Results",
        "5 Conclusion",
    ]


def test_references_end_at_an_appendix() -> None:
    text = paper("1 Introduction", "2 Conclusion") + f"\nReferences\n{WORKS}\n"
    text += paper("A Proofs", "A.1 The First", "B More Shells") + f"\nReferences\n{WORKS}"
    assert kinds(text) == [
        "introduction",
        "conclusion",
        "references",
        "appendix",
        "appendix",
        "references",
    ]


def test_references_are_in_the_last_two_thirds_and_the_last_of_that_name() -> None:
    text = "References\n" + paper("1 Introduction", "2 References", "3 Conclusion")
    text += f"\nReferences\n{WORKS}"
    assert headings(text)[-1] == "References"
    assert kinds(text).count("conclusion") == 1
    assert split(text)[-1].text == WORKS


def test_names_in_the_references_are_no_appendices() -> None:
    works = "A. Writer, B. Reader, and C. Finder\nB. Reader and A. Writer, 2001\n" + WORKS
    text = paper("1 Introduction", "2 Conclusion") + f"\nReferences\n{works}"
    assert kinds(text) == ["introduction", "conclusion", "references"]


def test_a_text_without_headings_is_all_title() -> None:
    assert split("") == ()
    assert split(PROSE) == (TextSection(heading="", kind="title", text=PROSE.strip()),)


def test_a_run_in_opening_is_no_line_of_its_own() -> None:
    assert opens_section("Abstract. We look at shells")
    assert not is_heading("Abstract. We look at shells and at what they are made of, again.")


LINES = st.sampled_from(
    [
        "1 Introduction",
        "Abstract—We look",
        "2. Shells",
        "References",
        "A Proofs",
        "II. S HELLS",
        "Keywords: a, b",
        "METHODS",
        "[1] 2001",
        PROSE,
        "",
        "Appendix",
    ]
)


@given(st.lists(LINES | st.text(max_size=30), max_size=30).map("\n".join))
@settings(max_examples=120, deadline=None)
def test_nothing_is_lost(text: str) -> None:
    together = "".join(section.heading + section.text for section in split(text))
    assert "".join(together.split()) == "".join(text.split())


@pytest.mark.parametrize("hostile", ["1 Method\n", "1\n", "A ", "I", "and ", "METHODS\n", ". "])
def test_a_large_text_takes_little_time(hostile: str) -> None:
    text = hostile * (200_000 // len(hostile))
    started = time.process_time()
    found = split(text)
    contributions(TextSection(heading="", kind="introduction", text=text))
    assert time.process_time() - started < 4
    assert found


def test_many_different_headings_take_little_time() -> None:
    names = (f"RESULTS {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{n // 676}" for n in range(15_000))
    text = "\n".join(f"{name.upper()} ABCDEFGH\nwe see" for name in names)
    started = time.process_time()
    assert len(split(text)) > 10_000
    assert time.process_time() - started < 4


def introduction(text: str) -> TextSection:
    return TextSection(heading="1 Introduction", kind="introduction", text=text)


def test_contributions_are_the_sentence_and_its_list() -> None:
    said = "Our contributions are:\n• A law of shells.\n• A proof of it."
    assert contributions(introduction(f"{PROSE}\nIn this paper, we sail. {said}")) == (
        "Our contributions are: • A law of shells. • A proof of it."
    )


def test_contributions_may_be_what_the_authors_propose() -> None:
    text = "Shells are old. In this paper, we count them. They are many. We propose a law."
    assert contributions(introduction(text)) == "In this paper, we count them. We propose a law."
    assert contributions(introduction("Shells are old.")) is None


def test_contributions_have_a_limit() -> None:
    found = contributions(introduction("Our contribution is this: " + "shell " * 400))
    assert found is not None
    assert len(found) == MAX_CONTRIBUTIONS
    found = contributions(introduction("Our contribution is new. " + "It is a shell. " * 400))
    assert found is not None
    assert found.endswith("shell.")
    assert len(found) <= MAX_CONTRIBUTIONS
