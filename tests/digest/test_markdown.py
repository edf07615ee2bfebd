"""The digest's Markdown: byte-exact round trips, and errors instead of guesses."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.digest.markdown import Digest, Entry, load, parse, render
from pipeline.errors import DigestFormatError, UsageError
from pipeline.records import Section
from tests.conftest import ROOT

EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
TEXT = EXAMPLE.read_bytes().decode()
WHOLE = parse(TEXT)

# Two entries with what the public series has beside the ordinary; written by hand, not rendered.
ODD_TEXT = """\
# 音频 cs.SD;  eess.AS

- **最新发布 1 篇**

- **更新 1 篇**

## 最新发布

#### [new 001] A* [Extended] **Bold** Title for $O(n
- **分类: cs.SD; cs.SD;
  I.2.7; H.5.5**

- **简介: <think>
该论文**重要**，

> 见</a>。**
---x
结束。**

- **链接: [http://arxiv.org/pdf/math/0309136v2](http://arxiv.org/pdf/math/0309136v2)**

> **作者:** :
>
> **备注:** <a href="https://x.org">**page**</a>\u007f; see \u2028 and \u0085
>
> **摘要:** \u000c$x$ costs $5 **
>
---
## 更新

#### [replaced 001]\x20
- **分类: cs.CL**

- **链接: [https://arxiv.org/pdf/2402.01703](https://arxiv.org/pdf/2402.01703)**

> **作者:** A. Author; B. Author
>
> **摘要:**\x20
>
---
"""

_MARKS = (
    "**", "*", "[x](y)", "[new 001]", "](", "$\\alpha$", "$", "$$", "<think>", "</think>", "</a>",
    '<a href="https://x.org">', "#", "> ", "- ", "---", "简介:", "分类: ", "&lt;", "`", "|",
    "\u007f", "\u2028", "\u0085", "\u000c", "\u000b", "\u200b", "\ufeff", "é", "該", "𝛼", "  ",
    "\rx",
)  # fmt: skip
_plain = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=12)
_one_line = st.lists(_plain | st.sampled_from(_MARKS), max_size=4).map("".join)
_STRUCTURE = ("#### [", "## ", "- **", "> **", "---")
_wrapped = st.lists(
    _one_line.filter(lambda t: not t.startswith(_STRUCTURE)), min_size=1, max_size=3
).map("\n".join)
_tags = st.sampled_from(
    ["cs.SD", "cs.SD; cs.SD; cs.AI", "cs.SD; 68T10; I.2.7; H.5.5", "cs.SD;\ncs.AI;\n eess.AS", ""]
)
_id = st.sampled_from(
    ["2601.02954", "2601.02954v1", "math/0309136v2", "math.GT/0309136", "0704.0001v12"]
)
_link = st.builds("{}://arxiv.org/pdf/{}".format, st.sampled_from(["http", "https"]), _id)
_categories = st.sampled_from(["cs.SD;  eess.AS", "cs.SD; eess.AS", "cs.CL", ""]) | _one_line

# Pieces from which a value can imitate the file around it.
_forged = st.lists(
    st.sampled_from(
        ["\n", "\n\n", "**", "- **分类: ", "- **简介: ", "- **链接: ", "> **作者:** ",
         "> **摘要:** ", ">", "---", "#### [new 002] ", "## 更新", "\r", "\ud800", "x", "- **",
         "- **链接: [https://arxiv.org/pdf/2601.02954v1](https://arxiv.org/pdf/2601.02954v1)**"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


def _entry(section: Section) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry,
        section=st.just(section),
        number=st.just(1),
        title=_one_line,
        tags_text=_tags | _wrapped.filter(lambda t: "\n\n" not in t),
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
    categories_text=_categories,
    new=st.lists(_entry(Section.NEW), max_size=3).map(_numbered),
    replaced=st.lists(_entry(Section.REPLACED), max_size=2).map(_numbered),
)


def _alone(entry: Entry) -> Digest:
    return Digest(name="音频", categories_text="cs.SD", new=(entry,), replaced=())


def _error(text: str) -> DigestFormatError:
    with pytest.raises(DigestFormatError) as caught:
        parse(text, file="day.md")
    assert str(caught.value).startswith(f"day.md:{caught.value.line}: expected ")
    return caught.value


def test_the_example_round_trips_byte_for_byte() -> None:
    assert render(load(EXAMPLE)).encode() == EXAMPLE.read_bytes()


def test_the_example_is_read_right() -> None:
    assert (WHOLE.name, WHOLE.categories) == ("音频", ("cs.SD", "eess.AS"))
    assert WHOLE.categories_text == "cs.SD;  eess.AS"
    assert (len(WHOLE.new), len(WHOLE.replaced)) == (20, 6)
    assert [entry.number for entry in WHOLE.entries] == [*range(1, 21), *range(1, 7)]
    first = WHOLE.new[0]
    assert first.title.startswith("The World is Not Mono: Enabling Spatial")
    assert first.versioned == "2601.02954v1"
    assert first.tags == ("cs.SD", "cs.AI")
    assert first.authors == ("Yuhuan You", "Lai Wei", "Xihong Wu", "Tianshu Qu")
    assert first.comment is None
    assert first.line is not None
    assert first.line.startswith("该论文属于音频-语言模型任务")
    assert first.line.endswith("提升模型的空间理解能力。")
    assert first.abstract.endswith('from "mono" semantic recognition to spatial intelligence.')
    assert WHOLE.new[15].comment == "13 pages, 5 figures"
    assert WHOLE.replaced[0].versioned == "2508.02228v2"
    assert WHOLE.replaced[3].comment == "https://github.com/stelioskt/audioFX"


def test_odd_values_are_read_right_and_written_back() -> None:
    digest = parse(ODD_TEXT)
    new, replaced = digest.entries
    assert new.title == "A* [Extended] **Bold** Title for $O(n"
    assert new.tags_text == "cs.SD; cs.SD;\n  I.2.7; H.5.5"
    assert new.tags == ("cs.SD", "I.2.7", "H.5.5")
    assert new.line == "<think>\n该论文**重要**，\n\n> 见</a>。**\n---x\n结束。"
    assert new.versioned == "math/0309136v2"
    assert new.authors == (":",)
    assert new.comment == '<a href="https://x.org">**page**</a>\u007f; see \u2028 and \u0085'
    assert new.abstract == "\u000c$x$ costs $5 **"
    assert (replaced.title, replaced.line, replaced.comment) == ("", None, None)
    assert (replaced.versioned, replaced.abstract) == ("2402.01703", "")
    assert render(digest) == ODD_TEXT


@settings(max_examples=300, deadline=None)
@given(_digest)
def test_every_wellformed_digest_is_written_and_reads_back_the_same(digest: Digest) -> None:
    text = render(digest)
    assert parse(text) == digest
    assert render(parse(text)) == text
    text.encode()


@pytest.mark.parametrize("mark", _MARKS)
def test_a_single_line_may_hold_any_mark(mark: str) -> None:
    fields = ("title", "line", "comment", "abstract", "authors_text", "tags_text")
    for value in (mark, f"a {mark} b", mark * 2):
        entry = WHOLE.new[0].model_copy(update=dict.fromkeys(fields, value))
        assert parse(render(_alone(entry))) == _alone(entry)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(Entry.model_fields.keys() - {"section", "number"})), _forged)
def test_a_value_that_imitates_the_format_is_refused_or_exact(field: str, value: str) -> None:
    digest = _alone(WHOLE.new[0].model_copy(update={field: value}))
    try:
        text = render(digest)
    except DigestFormatError:
        return
    assert parse(text) == digest
    text.encode()


@pytest.mark.parametrize(
    ("update", "line"),
    [
        ({"title": "a\nb"}, 2),
        ({"abstract": "a\n>\n---\n#### [new 002] b"}, 1),
        ({"comment": "a\nb"}, 11),
        ({"authors_text": "a\n>\n> **备注:** b"}, 1),
        ({"line": "a**\n\n- **链接: b"}, 6),
        ({"line": "a**\n\n- **b"}, 6),
        ({"tags_text": "a\n\nb"}, 3),
        ({"tags_text": "a**\n\n- **简介: b", "line": None}, 1),
        ({"line": "a\n---\nb"}, 5),
        ({"line": "a\n#### [new 002] b"}, 5),
        ({"line": "a\n> **作者:** b"}, 5),
        ({"line": "a\ud800"}, 4),
        ({"line": "a\r\nb"}, 4),
        ({"abstract": "a\r"}, 10),
        ({"link": "https://example.org/pdf/1"}, 6),
        ({"number": 2}, 1),
        ({"section": Section.REPLACED}, 1),
    ],
)
def test_an_ambiguous_value_is_never_written(update: dict[str, object], line: int) -> None:
    entry = WHOLE.new[0].model_copy(update=update)
    with pytest.raises(DigestFormatError) as caught:
        render(_alone(entry))
    assert caught.value.line == line
    assert str(caught.value).startswith(f"[new 001] {entry.versioned}:{line}: ")


@pytest.mark.parametrize("update", [{"name": "a b"}, {"name": ""}, {"categories_text": "a\nb"}])
def test_an_ambiguous_heading_is_never_written(update: dict[str, object]) -> None:
    with pytest.raises(DigestFormatError, match="heading"):
        render(WHOLE.model_copy(update=update))


@pytest.mark.parametrize("new", [0, 1, 9, 99, 100, 433])
@pytest.mark.parametrize("replaced", [0, 1, 120])
def test_counts_and_empty_sections(new: int, replaced: int) -> None:
    other = WHOLE.new[0].model_copy(update={"section": Section.REPLACED})
    digest = Digest(
        name="音频",
        categories_text="cs.SD",
        new=_numbered([WHOLE.new[0]] * new),
        replaced=_numbered([other] * replaced),
    )
    text = render(digest)
    assert parse(text) == digest
    assert f"- **最新发布 {new} 篇**\n\n- **更新 {replaced} 篇**\n\n## 最新发布\n\n" in text
    assert text.endswith("\n>\n---\n" if replaced else "## 更新\n\n")
    assert f"#### [new {new:03d}]" in text or not new


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 25)))
def test_a_missing_line_never_takes_a_neighbours(gone: set[int]) -> None:
    lines = TEXT.split("\n")
    starts = [at for at, line in enumerate(lines) if line.startswith("- **简介: ")]
    for n in sorted(gone, reverse=True):
        del lines[starts[n] : starts[n] + 2]
    expected = [
        entry.model_copy(update={"line": None}) if n in gone else entry
        for n, entry in enumerate(WHOLE.entries)
    ]
    assert list(parse("\n".join(lines)).entries) == expected


def test_each_single_line_and_all_of_them_may_be_missing() -> None:
    for gone in [*({n} for n in range(26)), set(range(26))]:
        # hypothesis sets the attribute at run time, where mypy cannot see it
        test_a_missing_line_never_takes_a_neighbours.hypothesis.inner_test(gone)  # type: ignore[attr-defined]


LINK_1 = "- **链接: [https://arxiv.org/pdf/2601.02954v1](https://arxiv.org/pdf/2601.02954v1)**\n\n"
TAGS_1 = "- **分类: cs.SD; cs.AI**\n\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("# 音频", "音频", 1, "# NAME CATEGORIES"),
        ("# 音频", "\ufeff# 音频", 1, "# NAME CATEGORIES"),
        ("eess.AS\n\n", "eess.AS\n", 2, "a blank line, found '- **最新发布"),
        ("- **最新发布 20 篇**", "- **最新发布 二十 篇**", 3, "- **最新发布 N 篇**"),
        ("- **最新发布 20 篇**", "- **最新发布 2０ 篇**", 3, "- **最新发布 N 篇**"),
        ("- **最新发布 20 篇**", "- **最新发布 020 篇**", 3, "- **最新发布 N 篇**"),
        ("- **最新发布 20 篇**", f"- **最新发布 {'9' * 5000} 篇**", 3, "- **最新发布 N 篇**"),
        ("- **最新发布 20 篇**", "- **最新发布 21 篇**", 271, "21 entries under 最新发布"),
        ("- **最新发布 20 篇**", "- **最新发布 19 篇**", 271, "19 entries under 最新发布"),
        ("- **更新 6 篇**", "- **更新 5 篇**", 351, "5 entries under 更新"),
        ("- **更新 6 篇**\n\n", "", 5, "- **更新 N 篇**"),
        ("## 最新发布", "## 最新", 7, "## 最新发布"),
        ("\n## 更新\n", "\n## 更 新\n", 271, "## 更新"),
        ("\n## 更新\n\n", "\n## 更新\n", 272, "a blank line"),
        ("[new 001]", "[new 1]", 9, "#### [new 001]"),
        ("[new 002]", "[new 003]", 21, "#### [new 002]"),
        ("[new 002]", "[new 0２]", 21, "#### [new 002]"),
        ("[new 002]", "[replaced 002]", 21, "#### [new 002]"),
        ("[replaced 001]", "[replaced 021]", 273, "#### [replaced 001]"),
        (TAGS_1, "", 10, "- **分类: "),
        (TAGS_1, TAGS_1 * 2, 12, "found '- **分类"),
        ("cs.AI**\n\n", "cs.AI**\n", 11, "the rest of - **分类"),
        ("空间理解能力。**", "空间理解能力。", 14, "the rest of - **简介"),
        ("- **简介: 该论文", "- **简介： 该论文", 12, "expected - **链接: "),
        ("- **简介: 该论文", "简介: 该论文", 12, "expected - **链接: "),
        ("cs.AI**\n", "cs.AI\n", 11, "the rest of - **分类"),
        (LINK_1, "", 14, "expected - **链接: "),
        ("- **链接: [", "- **链接：[", 14, "expected - **链接: "),
        (LINK_1, LINK_1 * 2, 16, "> **作者:** "),
        ("pdf/2601.02954v1)", "pdf/2601.02954v2)", 14, "one arxiv.org/pdf URL twice"),
        ("[https://arxiv", "[http://arxiv", 14, "one arxiv.org/pdf URL twice"),
        ("2601.02954v1)**", "2601.02954v1)** ", 14, "one arxiv.org/pdf URL twice"),
        ("> **作者:** Yuhuan", "> **Authors:** Yuhuan", 16, "> **作者:** "),
        ("Tianshu Qu\n>\n", "Tianshu Qu\n", 17, "expected >, found"),
        ("> **摘要:** Existing large", "> **Abstract:** Existing large", 18, "> **摘要:** "),
        ("spatial intelligence.\n", "spatial intelligence.\nmore\n", 19, "expected >, found"),
        (">\n---\n", ">\n", 20, "expected ---, found '#### [new 002]"),
        ("---\n####", "---\n\n####", 21, "20 entries under 最新发布"),
        ("intelligence.\n", "intelligence.\r\n", 18, "line feed alone"),
    ],
)
def test_a_malformed_file_is_an_error_with_file_and_line(
    old: str, new: str, line: int, said: str
) -> None:
    assert old in TEXT
    error = _error(TEXT.replace(old, new, 1))
    assert error.line == line
    assert said in str(error)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "# NAME CATEGORIES, found ''"),
        ("# 音频 cs.SD", 2, "a blank line, found the end of the file"),
        (TEXT[:-1], 351, "a blank line, found the end of the file"),
        (TEXT + "\n", 352, "the end of the file, found ''"),
        (TEXT + "x", 351, "a blank line, found 'x'"),
        (TEXT.split("- **链接")[0], 15, "the rest of - **简介"),
        (TEXT.replace("\n", "\r\n"), 1, "no CR LF"),
    ],
)
def test_a_cut_or_lengthened_file_is_an_error(text: str, line: int, said: str) -> None:
    error = _error(text)
    assert error.line == line
    assert said in str(error)


def test_every_proper_beginning_of_a_file_is_an_error() -> None:
    for end in range(len(ODD_TEXT)):
        _error(ODD_TEXT[:end])


def _damaged(rng: random.Random, text: str) -> str:
    if rng.random() < 0.5:
        at, length = rng.randrange(len(text)), rng.randint(0, 40)
        inserted = "".join(rng.choices("\n*#[]()>- \r\u20280篇", k=rng.randint(0, 3)))
        return text[:at] + inserted + text[at + length :]
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
        cut = lines[a : a + rng.randint(0, 3)]
        lines[b : b + rng.randint(0, 3)] = cut
    return "\n".join(lines)


def test_random_damage_gives_an_error_or_an_exact_round_trip() -> None:
    rng = random.Random(20260107)
    short = "".join(TEXT.replace(" 20 篇", " 3 篇").partition("#### [new 004]")[0])
    short = short.replace("更新 6 篇", "更新 0 篇") + "## 更新\n\n"
    refused = 0
    for _ in range(3000):
        text = _damaged(rng, rng.choice((short, ODD_TEXT)))
        try:
            digest = parse(text)
        except DigestFormatError as error:
            assert 1 <= error.line <= text.count("\n") + 2
            refused += 1
        else:
            assert render(digest) == text
    assert 500 < refused < 2900


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.md: cannot be read"):
        load(tmp_path / "nowhere.md")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)
    broken = tmp_path / "broken.md"
    broken.write_bytes(TEXT.encode()[:3000] + b"\xff" + TEXT.encode()[3000:])
    with pytest.raises(DigestFormatError, match=r"broken\.md:\d+: expected UTF-8") as caught:
        load(broken)
    assert caught.value.line == TEXT.encode()[:3000].count(b"\n") + 1


def test_one_line_changes_and_nothing_else() -> None:
    patched = render(WHOLE.with_summary("2601.02444v1", line="该论文。"))
    changed = [
        (old, new)
        for old, new in zip(TEXT.split("\n"), patched.split("\n"), strict=True)
        if old != new
    ]
    assert len(changed) == 1
    assert changed[0][0].startswith("- **简介: 该论文属于语音安全任务")
    assert changed[0][1] == "- **简介: 该论文。**"


def test_tags_change_on_request_and_keep_their_wrapping_when_equal() -> None:
    wrapped = TEXT.replace("- **分类: cs.SD; cs.AI**", "- **分类: cs.SD;\ncs.AI; cs.SD**", 1)
    digest = parse(wrapped)
    same = digest.with_summary("2601.02954v1", line="该论文。", tags=("cs.SD", "cs.AI"))
    assert same.new[0].tags_text == "cs.SD;\ncs.AI; cs.SD"
    other = digest.with_summary("2601.02954v1", line="该论文。", tags=("cs.CL", "cs.SD"))
    assert other.new[0].tags_text == "cs.CL; cs.SD"
    assert other.new[1:] == digest.new[1:]


def test_an_owed_line_is_filled_in_and_taken_out_again() -> None:
    line = WHOLE.new[0].line
    owed = WHOLE.with_summary("2601.02954v1", line=None)
    assert parse(render(owed)).new[0].line is None
    assert render(owed.with_summary("2601.02954v1", line=line)) == TEXT


def test_a_link_without_version_is_the_same_paper() -> None:
    digest = parse(TEXT.replace("2601.02954v1", "2601.02954"))
    for versioned in ("2601.02954v1", "2601.02954"):
        changed = digest.with_summary(versioned, line="该论文。")
        assert changed.new[0].line == "该论文。"
        assert changed.entries[1:] == digest.entries[1:]
    old = parse(ODD_TEXT).with_summary("math/0309136v2", line="该论文。")
    assert [entry.line for entry in old.entries] == ["该论文。", None]


def test_a_link_with_this_version_goes_before_a_link_without() -> None:
    text = TEXT.replace("2601.02954v1", "2508.02228")
    changed = parse(text).with_summary("2508.02228v2", line="该论文。")
    assert changed.new[0].line == WHOLE.new[0].line
    assert changed.replaced[0].line == "该论文。"


def test_a_paper_listed_twice_gets_its_line_twice() -> None:
    text = TEXT.replace("2601.02954v1", "2508.02228v2")
    changed = parse(text).with_summary("2508.02228v2", line="该论文。")
    assert [n for n, entry in enumerate(changed.entries) if entry.line == "该论文。"] == [0, 20]


@pytest.mark.parametrize("versioned", ["2601.02954v2", "2601.02954", "2601.99999v1", "2601.0295"])
def test_another_version_or_paper_is_not_in_the_digest(versioned: str) -> None:
    with pytest.raises(UsageError, match=f"{versioned} is not in the digest"):
        WHOLE.with_summary(versioned, line="该论文。")
