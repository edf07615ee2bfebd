from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DigestFormatError, UsageError
from pipeline.prompt.variant import load_variant
from pipeline.records import Paper, PaperText
from pipeline.train.examples import Example, course, ids_hash, read_examples, split
from tests.conftest import ROOT
from tests.train.made import as_line, example

NOBODY: frozenset[str] = frozenset()


def test_json_lines_plain_and_packed_and_digests_are_read_one_entry_a_paper(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_text(as_line(example(1, day=5)) + as_line(example(2)))
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(as_line(example(1, day=3, title="Earlier")))
    day = ROOT / "prompts" / "examples" / "20260107-audio.md"
    found = read_examples((tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", day))
    assert len(found) == 2 + 26
    assert [(one.arxiv_id, one.title) for one in found[:2]] == [
        ("2601.00002", "A Title 2"),
        ("2601.00001", "Earlier"),
    ]
    assert found[2].field == "音频" and found[2].line.startswith("该论文")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no entry"),
        ("[]", "is no entry"),
        (as_line(example(1), date="20261301"), "date"),
        (as_line(example(1), cats="cs.SD"), "cats"),
        (as_line(example(1), arxiv_id="cs.SD"), "cs.SD"),
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(as_line(example(2)) + line.rstrip("\n") + "\n")
    with pytest.raises(DigestFormatError) as raised:
        read_examples((file,))
    assert f"{file}:2" in str(raised.value) and said in str(raised.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "no.jsonl.gz").write_text("not packed")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\n")
    for name, said in [
        ("none.jsonl", "no such file"),
        ("empty.jsonl", "no entry"),
        ("no.jsonl.gz", "cannot be read"),
        ("latin.jsonl", "cannot be read"),
    ]:
        with pytest.raises(UsageError, match=said):
            read_examples((tmp_path / name,))


def test_the_newest_papers_of_the_focus_are_held_out_and_nothing_as_new_is_taught() -> None:
    every = (
        example(1, day=1),
        example(2, day=2),
        example(3, day=3),
        example(4, day=2, field="text"),
        example(5, day=3, field="text"),
    )
    lessons = split(every, focus="audio", held_out=1, never=NOBODY)
    assert [one.arxiv_id for one in lessons.held_out] == ["2601.00003"]
    assert [one.arxiv_id for one in lessons.train] == ["2601.00001", "2601.00002", "2601.00004"]
    assert lessons.left_out == {"not older than the held-out papers": 1}


def test_what_breaks_a_rule_or_is_kept_for_tests_is_not_taught_and_counted() -> None:
    every = (
        example(1),
        example(2),
        example(3, line="太短。"),
        example(4, line=example(4).line.replace("轻量级网络", "GPT-9网络")),
        example(5, line=""),
        example(6, day=2),
    )
    lessons = split(every, focus="audio", held_out=1, never=frozenset({"2601.00002"}))
    assert [one.arxiv_id for one in lessons.train] == ["2601.00001"]
    assert lessons.left_out == {
        "kept for the tests": 1,
        "length_40_to_120": 1,
        "grounded": 1,
        "has no 简介, no abstract or no 分类": 1,
    }


def test_too_few_papers_of_the_focus_say_which_fields_there_are() -> None:
    with pytest.raises(UsageError, match=r"0 papers of audio.*; 1 of them are kept for the tests"):
        split([example(1)], focus="audio", held_out=1, never=frozenset({"2601.00001"}))
    with pytest.raises(UsageError, match=r"1 papers of audio.*text 2, audio 1$"):
        split(
            [example(1), example(2, field="text"), example(3, field="text")],
            focus="audio",
            held_out=1,
            never=NOBODY,
        )


papers = st.lists(
    st.builds(
        example,
        st.integers(1, 40),
        day=st.integers(1, 28),
        field=st.sampled_from(["audio", "text", "video"]),
    ),
    min_size=3,
    unique_by=lambda one: one.arxiv_id,
)


@given(papers, st.integers(1, 5), st.integers(1, 3), st.integers(1, 60), st.integers(0, 9))
def test_no_held_out_paper_is_ever_taught(
    every: list[Example], held_out: int, passes: int, size: int, seed: int
) -> None:
    ordered = sorted(every, key=lambda one: (one.date, one.arxiv_id))
    try:
        lessons = split(ordered, focus="audio", held_out=held_out, never=frozenset({"2601.00007"}))
    except UsageError:
        return
    taught = course(lessons.train, focus="audio", passes=passes, size=size, seed=seed)
    assert len(lessons.held_out) == held_out
    assert max(one.date for one in taught) < min(one.date for one in lessons.held_out)
    assert not {"2601.00007"} & {one.arxiv_id for one in taught + lessons.held_out}
    assert len(taught) <= size
    counts = Counter(one.arxiv_id for one in taught)
    assert all(counts[one.arxiv_id] == 1 for one in taught if one.field != "audio")
    assert all(counts[one.arxiv_id] <= passes for one in taught)
    assert taught == course(lessons.train, focus="audio", passes=passes, size=size, seed=seed)


def test_other_fields_get_equal_shares_as_far_as_they_have_papers() -> None:
    train = [example(n) for n in range(10)]
    train += [example(100 + n, field="text") for n in range(50)]
    train += [example(200 + n, field="video") for n in range(50)]
    train += [example(300 + n, field="robotics") for n in range(5)]
    taught = course(train, focus="audio", passes=2, size=75, seed=1)
    assert Counter(one.field for one in taught) == {
        "audio": 20,
        "text": 25,
        "video": 25,
        "robotics": 5,
    }


def test_half_of_another_fields_share_is_what_speaks_most_like_the_focus() -> None:
    train = [example(n, abstract=f"We enhance noisy speech, {n}.") for n in range(10)]
    others = [
        example(100 + n, field="text", abstract="Speech, noisy." if n < 5 else "We read a page.")
        for n in range(50)
    ]
    taught = course([*train, *others], focus="audio", passes=1, size=20, seed=1)
    near = {one.arxiv_id for one in others[:5]}
    chosen = {one.arxiv_id for one in taught if one.field == "text"}
    assert near <= chosen and len(chosen) == 10


def test_what_the_adapter_begun_with_has_seen_is_not_held_out_and_comes_last() -> None:
    ours = [example(n, day=n) for n in range(1, 11)]
    others = [example(100 + n, field="text") for n in range(20)]
    seen = frozenset(one.arxiv_id for one in (*ours[7:], *others[:15]))
    lessons = split([*ours, *others], focus="audio", held_out=2, never=NOBODY, seen=seen)
    assert [one.arxiv_id for one in lessons.held_out] == [ours[5].arxiv_id, ours[6].arxiv_id]
    taught = course(lessons.train, focus="audio", passes=1, size=11, seed=1, seen=seen)
    text = {one.arxiv_id for one in taught if one.field == "text"}
    assert {one.arxiv_id for one in others[15:]} <= text and len(text) == 6
    with pytest.raises(UsageError, match=r"7 papers of audio are new: .*; 3 are learned already$"):
        split([*ours, *others], focus="audio", held_out=9, never=NOBODY, seen=seen)


def test_the_hash_of_ids_knows_sets_not_orders() -> None:
    one, two = example(1), example(2)
    assert ids_hash([one, two, one]) == ids_hash([two, one]) != ids_hash([one])


def test_what_is_taught_is_what_the_packaged_prompt_asks() -> None:
    one = example(1, abstract="We enhance noisy speech with a small network.")
    paper = Paper(
        arxiv_id=one.arxiv_id,
        version=1,
        title=one.title,
        abstract=one.abstract,
        authors=("A",),
        categories=("cs.SD",),
    )
    variant = load_variant("builtin", ROOT / "prompts")
    asked = variant.render(paper, PaperText(source="abstract", body=one.abstract))
    assert asked.user == one.prompt and not asked.system
