"""The digest's Markdown: byte-exact round trips, and errors instead of guesses."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.digest.markdown import Digest, Entry, load, parse, render
from pipeline.errors import DigestFormatError, JianjieError, OutputError, UsageError
from pipeline.records import Section
from tests.conftest import ROOT

EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
TEXT = EXAMPLE.read_bytes().decode()

# What the public series has inside its fields.
IRREGULAR = (
    "**", "*", "[x](y)", "[new 001]", "](", "$\\alpha$", "$", "$$", "<think>", "</think>",
    '<a href="https://x.org">', "#", "> ", "- ", "---", "简介:", "分类: ", "&lt;", "`", "|",
    "\u007f", "\u2028", "\u0085", "\u000c", "\u000b", "\u200b", "\ufeff", "é", "該", "𝛼", "  ",
)  # fmt: skip
_plain = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=12)
_one_line = st.lists(st.one_of(_plain, st.sampled_from(IRREGULAR)), max_size=6).map("".join)
_wrapped = st.lists(
    _one_line.filter(lambda t: not t.startswith(("#### [", "## ", "- **", "> ", "---"))),
    min_size=1,
    max_size=3,
).map("\n".join)
_tags = st.one_of(
    st.sampled_from(
        [
            "cs.SD",
            "cs.SD; eess.AS",
            "cs.SD; cs.SD; cs.AI",
            "cs.SD; 68T10; I.2.7; H.5.5",
            "cs.SD;\ncs.AI;\neess.AS",
            "",
        ]
    ),
    _wrapped,
)
_id = st.sampled_from(["2601.02954", "2601.02954v1", "math/0309136v2", "0704.0001v12"])
_link = st.builds("{}://arxiv.org/pdf/{}".format, st.sampled_from(["http", "https"]), _id)


def _entry(section: Section) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry,
        section=st.just(section),
        number=st.just(1),
        title=_one_line,
        tags_text=_tags,
        line=st.none() | _one_line | _wrapped,
        link=_link,
        authors_text=st.sampled_from([":", "", "A. Author; B. Author"]) | _one_line,
        comment=st.none() | _one_line,
        abstract=_one_line,
    )


def _numbered(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(e.model_copy(update={"number": n}) for n, e in enumerate(entries, start=1))


_digest = st.builds(
    Digest,
    name=st.sampled_from(["音频", "text", "机器人"]),
    categories_text=st.sampled_from(["cs.SD;  eess.AS", "cs.SD; eess.AS", "cs.CL", ""]),
    new=st.lists(_entry(Section.NEW), max_size=4).map(_numbered),
    replaced=st.lists(_entry(Section.REPLACED), max_size=3).map(_numbered),
)


def test_the_example_round_trips_byte_for_byte() -> None:
    assert render(load(EXAMPLE)).encode() == EXAMPLE.read_bytes()


def test_the_example_is_read_right() -> None:
    digest = load(EXAMPLE)
    assert (digest.name, digest.categories) == ("音频", ("cs.SD", "eess.AS"))
    assert (len(digest.new), len(digest.replaced)) == (20, 6)
    first = digest.new[0]
    assert first.versioned == "2601.02954v1"
    assert first.tags == ("cs.SD", "cs.AI")
    assert first.authors == ("Yuhuan You", "Lai Wei", "Xihong Wu", "Tianshu Qu")
    assert first.comment is None
    assert first.line is not None
    assert first.line.startswith("该论文属于音频-语言模型任务")
    assert first.abstract.endswith('from "mono" semantic recognition to spatial intelligence.')
    assert digest.replaced[3].comment == "https://github.com/stelioskt/audioFX"


@settings(max_examples=400, deadline=None)
@given(_digest)
def test_what_is_rendered_reads_back_the_same_or_is_refused(digest: Digest) -> None:
    try:
        text = render(digest)
    except DigestFormatError:
        return  # a value that would be ambiguous; the next test shows that this is rare
    assert parse(text) == digest
    assert render(parse(text)) == text


def test_irregular_values_are_hardly_ever_refused() -> None:
    """Single-line values with every irregularity of the series all round-trip."""
    for odd in IRREGULAR:
        for value in (odd, f"a {odd} b", f"{odd}{odd}"):
            entry = (
                load(EXAMPLE)
                .new[0]
                .model_copy(
                    update={
                        "title": value,
                        "line": value,
                        "comment": value,
                        "abstract": value,
                        "authors_text": value,
                    }
                )
            )
            digest = Digest(name="音频", categories_text="cs.SD", new=(entry,), replaced=())
            assert parse(render(digest)) == digest


@pytest.mark.parametrize(
    "update",
    [
        {"title": "a\nb"},
        {"abstract": "a\n>\n---\n#### [new 002] b"},
        {"comment": "a\nb"},
        {"line": "a**\n\n- **链接: b"},
        {"line": "a\n---\nb"},
        {"line": "a\n#### [new 002] b"},
        {"link": "https://example.org/pdf/1"},
        {"number": 2},
    ],
)
def test_an_ambiguous_value_is_never_written(update: dict[str, object]) -> None:
    entry = load(EXAMPLE).new[0].model_copy(update=update)
    with pytest.raises(DigestFormatError):
        render(Digest(name="音频", categories_text="cs.SD", new=(entry,), replaced=()))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 433), st.booleans())
def test_counts_up_to_433_and_empty_sections(count: int, replaced_too: bool) -> None:
    entry = load(EXAMPLE).new[0]
    new = _numbered([entry] * count)
    other = entry.model_copy(update={"section": Section.REPLACED})
    replaced = _numbered([other] * (3 if replaced_too else 0))
    digest = Digest(name="音频", categories_text="cs.SD", new=new, replaced=replaced)
    text = render(digest)
    assert parse(text) == digest
    assert text.endswith("---\n" if replaced_too else "## 更新\n\n")
    if count == 433:
        assert "#### [new 433]" in text


def test_a_missing_line_never_takes_a_neighbours() -> None:
    whole = load(EXAMPLE)
    for gone in range(len(whole.entries)):
        lines = TEXT.split("\n")
        at = [n for n, line in enumerate(lines) if line.startswith("- **简介: ")][gone]
        del lines[at : at + 2]
        found = parse("\n".join(lines))
        expected = [
            entry.model_copy(update={"line": None}) if n == gone else entry
            for n, entry in enumerate(whole.entries)
        ]
        assert list(found.entries) == expected


@pytest.mark.parametrize("label", ["- **分类: ", "- **链接: ", "> **作者:** ", "> **摘要:** "])
def test_a_missing_required_field_is_an_error_at_its_line(label: str) -> None:
    lines = TEXT.split("\n")
    at = [n for n, line in enumerate(lines) if line.startswith(label)][3]
    del lines[at : at + 2]
    with pytest.raises(DigestFormatError) as caught:
        parse("\n".join(lines), file="day.md")
    assert str(caught.value).startswith("day.md:")
    # 分类 is not followed by a gap of its own kind, so the next field stands where it was missed.
    assert caught.value.line in {at + 1, at}


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("# 音频", "音频", 1, "# NAME CATEGORIES"),
        ("- **最新发布 20 篇**", "- **最新发布 二十 篇**", 3, "最新发布 N 篇"),
        ("- **最新发布 20 篇**", "- **最新发布 21 篇**", 271, "21 entries under 最新发布"),
        ("- **更新 6 篇**", "- **更新 5 篇**", 351, "5 entries under 更新"),
        ("## 最新发布", "## 最新", 7, "## 最新发布"),
        ("[new 002]", "[new 2]", 21, "#### [new 002]"),
        ("[new 002]", "[new 003]", 21, "#### [new 002]"),
        ("[new 002]", "[replaced 002]", 21, "#### [new 002]"),
        ("pdf/2601.02954v1)", "pdf/2601.02954v2)", 14, "one arxiv.org/pdf address twice"),
        ("空间理解能力。**", "空间理解能力。", 14, "the rest of - **简介"),
        ("> **摘要:** Existing large", "> **Abstract:** Existing large", 18, "摘要"),
        ("\n## 更新\n", "\n## 更 新\n", 271, "## 更新"),
    ],
)
def test_a_malformed_file_is_an_error_with_file_and_line(
    old: str, new: str, line: int, said: str
) -> None:
    assert old in TEXT
    with pytest.raises(DigestFormatError) as caught:
        parse(TEXT.replace(old, new, 1), file="day.md")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"day.md:{line}: expected ")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n", "# 音频 cs.SD", TEXT[:-1], TEXT + "\n", TEXT[:5000]])
def test_an_empty_cut_or_lengthened_file_is_an_error(text: str) -> None:
    with pytest.raises(DigestFormatError):
        parse(text)


def test_windows_line_ends_are_named() -> None:
    with pytest.raises(DigestFormatError, match="CR LF"):
        parse(TEXT.replace("\n", "\r\n"))


def test_random_damage_gives_an_error_or_an_exact_round_trip() -> None:
    rng = random.Random(20260107)
    refused = 0
    for _ in range(1500):
        at, length = rng.randrange(len(TEXT)), rng.randint(0, 40)
        inserted = "".join(rng.choices("\n*#[]()>- \r\u20280篇", k=rng.randint(0, 3)))
        text = TEXT[:at] + inserted + TEXT[at + length :]
        try:
            digest = parse(text)
        except JianjieError:
            refused += 1
        else:
            assert render(digest) == text
    assert refused > 100


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        load(tmp_path / "nowhere.md")
    broken = tmp_path / "broken.md"
    broken.write_bytes(TEXT.encode()[:3000] + b"\xff" + TEXT.encode()[3000:])
    with pytest.raises(DigestFormatError, match="not UTF-8") as caught:
        load(broken)
    assert caught.value.line == TEXT.encode()[:3000].count(b"\n") + 1


def test_one_line_changes_and_nothing_else() -> None:
    patched = render(load(EXAMPLE).with_summary("2601.02444v1", line="该论文。"))
    changed = [
        (old, new)
        for old, new in zip(TEXT.split("\n"), patched.split("\n"), strict=True)
        if old != new
    ]
    assert len(changed) == 1
    assert changed[0][0].startswith("- **简介: 该论文属于语音安全任务")
    assert changed[0][1] == "- **简介: 该论文。**"


def test_tags_change_on_request_and_keep_their_wrapping_when_equal() -> None:
    wrapped = TEXT.replace("- **分类: cs.SD; cs.AI**", "- **分类: cs.SD;\ncs.AI**", 1)
    digest = parse(wrapped)
    same = digest.with_summary("2601.02954v1", line="该论文。", tags=("cs.SD", "cs.AI"))
    assert same.new[0].tags_text == "cs.SD;\ncs.AI"
    other = digest.with_summary("2601.02954v1", line="该论文。", tags=("cs.CL",))
    assert other.new[0].tags_text == "cs.CL"
    assert other.new[1:] == digest.new[1:]


def test_an_owed_line_is_filled_in_and_taken_out_again() -> None:
    line = load(EXAMPLE).new[0].line
    owed = load(EXAMPLE).with_summary("2601.02954v1", line=None)
    assert parse(render(owed)).new[0].line is None
    assert render(owed.with_summary("2601.02954v1", line=line)) == TEXT


def test_a_link_without_version_is_the_same_paper() -> None:
    text = TEXT.replace("2601.02954v1", "2601.02954")
    assert parse(text).with_summary("2601.02954v1", line="该论文。").new[0].line == "该论文。"


def test_another_version_or_paper_is_not_in_the_digest() -> None:
    for versioned in ("2601.02954v2", "2601.99999v1", "2601.0295"):
        with pytest.raises(UsageError, match="not in the digest"):
            load(EXAMPLE).with_summary(versioned, line="该论文。")
