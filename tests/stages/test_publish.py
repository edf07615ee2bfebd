from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.digest.entries import digest_of, published_tags
from pipeline.digest.ledger import ledger
from pipeline.digest.markdown import load, parse, render
from pipeline.errors import DigestFormatError, OutputError, UsageError, one_line
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Day,
    Done,
    Outcome,
    Owed,
    Paper,
    Section,
    Stage,
    Summary,
)
from pipeline.settings import FieldSettings
from pipeline.stages.publish import digest_paths, patch, publish
from tests.conftest import ROOT
from tests.standins.records import provenance

EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
LINE = "该论文属于语音合成任务，旨在解决情感控制的问题。"


def paper(arxiv_id: str, version: int = 1, **update: object) -> Paper:
    plain = Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=f"Title of {arxiv_id}",
        abstract=f"Abstract of {arxiv_id}.",
        authors=("Ann Author", "Ben Author"),
        comment="5 pages",
        categories=("cs.SD", "eess.AS"),
    )
    return plain.model_copy(update=update)


def summary(of: Paper, line: str = LINE, tags: tuple[str, ...] = ("cs.SD",)) -> Summary:
    return Summary(
        key="k",
        arxiv_id=of.arxiv_id,
        version=of.version,
        line=line,
        tags=tags,
        provenance=provenance(
            text_source="pdf",
            language="en",
            pages=9,
            pages_read=9,
            pdf_sha256="f" * 64,
            truncated=True,
            tries=2,
            tokens_in=1000,
            tokens_out=50,
            cost=0.1,
            seconds=1.5,
            warnings=("no_formula: has $",),
        ),
    )


def done(announce: AnnounceType, of: Paper, tags: tuple[str, ...] = ("cs.SD",)) -> Done:
    line = f"{LINE[:-1]}，编号{of.arxiv_id}。"
    return Done(
        announcement=Announcement(announce=announce, paper=of), summary=summary(of, line, tags)
    )


def owed(announce: AnnounceType, of: Paper) -> Owed:
    return Owed(
        announcement=Announcement(announce=announce, paper=of),
        stage=Stage.VALIDATE,
        cause=Cause.RULES,
        reason="no_markup: has **",
    )


def day(*outcomes: Outcome) -> Day:
    return Day(
        date=dt.date(2026, 1, 7),
        field="audio",
        name="音频",
        categories=("cs.SD", "eess.AS"),
        source="rss.arxiv.org",
        outcomes=outcomes,
    )


DAY = day(
    done(AnnounceType.REPLACE, paper("2512.00009", 3)),
    done(AnnounceType.NEW, paper("2601.00002", comment=None)),
    owed(AnnounceType.CROSS, paper("math/0309136")),
    owed(AnnounceType.REPLACE_CROSS, paper("2512.00008", 2)),
    done(AnnounceType.NEW, paper("2601.00001"), tags=("cs.LG", "cs.SD")),
)

MARKDOWN = f"""# 音频 cs.SD;  eess.AS

- **最新发布 3 篇**

- **更新 2 篇**

## 最新发布

#### [new 001] Title of 2601.00002
- **分类: cs.SD; eess.AS**

- **简介: {LINE[:-1]}，编号2601.00002。**

- **链接: [https://arxiv.org/pdf/2601.00002v1](https://arxiv.org/pdf/2601.00002v1)**

> **作者:** Ann Author; Ben Author
>
> **摘要:** Abstract of 2601.00002.
>
---
#### [new 002] Title of math/0309136
- **分类: cs.SD; eess.AS**

- **链接: [https://arxiv.org/pdf/math/0309136v1](https://arxiv.org/pdf/math/0309136v1)**

> **作者:** Ann Author; Ben Author
>
> **备注:** 5 pages
>
> **摘要:** Abstract of math/0309136.
>
---
#### [new 003] Title of 2601.00001
- **分类: cs.SD; eess.AS**

- **简介: {LINE[:-1]}，编号2601.00001。**

- **链接: [https://arxiv.org/pdf/2601.00001v1](https://arxiv.org/pdf/2601.00001v1)**

> **作者:** Ann Author; Ben Author
>
> **备注:** 5 pages
>
> **摘要:** Abstract of 2601.00001.
>
---
## 更新

#### [replaced 001] Title of 2512.00009
- **分类: cs.SD; eess.AS**

- **简介: {LINE[:-1]}，编号2512.00009。**

- **链接: [https://arxiv.org/pdf/2512.00009v3](https://arxiv.org/pdf/2512.00009v3)**

> **作者:** Ann Author; Ben Author
>
> **备注:** 5 pages
>
> **摘要:** Abstract of 2512.00009.
>
---
#### [replaced 002] Title of 2512.00008
- **分类: cs.SD; eess.AS**

- **链接: [https://arxiv.org/pdf/2512.00008v2](https://arxiv.org/pdf/2512.00008v2)**

> **作者:** Ann Author; Ben Author
>
> **备注:** 5 pages
>
> **摘要:** Abstract of 2512.00008.
>
---
"""


def as_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# The whole day


def test_the_digest_has_the_series_form(tmp_path: Path) -> None:
    published = publish(DAY, tmp_path, "listing")

    assert published.changed
    assert published.markdown == tmp_path / "2026-01-07" / "audio.md"
    assert published.json_file == tmp_path / "2026-01-07" / "audio.json"
    assert published.markdown.read_text(encoding="utf-8") == MARKDOWN
    assert digest_paths(DAY, tmp_path) == (published.markdown, published.json_file)


def test_numbers_restart_in_each_section_and_the_order_is_arxivs() -> None:
    digest = digest_of(DAY, "listing")

    assert [(e.number, e.versioned) for e in digest.new] == [
        (1, "2601.00002v1"),
        (2, "math/0309136v1"),
        (3, "2601.00001v1"),
    ]
    assert [(e.number, e.versioned) for e in digest.replaced] == [
        (1, "2512.00009v3"),
        (2, "2512.00008v2"),
    ]


def test_the_committed_example_comes_out_byte_for_byte() -> None:
    """The example digest as a day, and the day as a digest."""
    text = EXAMPLE.read_text(encoding="utf-8")
    digest = parse(text)
    outcomes = []
    for entry in digest.entries:
        arxiv_id, version = entry.versioned.rsplit("v", 1)
        of = Paper(
            arxiv_id=arxiv_id,
            version=int(version),
            title=entry.title,
            abstract=entry.abstract,
            authors=entry.authors,
            comment=entry.comment,
            categories=entry.tags,
        )
        announcement = Announcement(
            announce=AnnounceType.NEW if entry in digest.new else AnnounceType.REPLACE, paper=of
        )
        outcomes.append(Done(announcement=announcement, summary=summary(of, entry.line or "")))

    assert render(digest_of(day(*outcomes), "listing")) == text


def test_the_json_has_every_announced_paper_and_its_ledger_adds_up(tmp_path: Path) -> None:
    document = as_json(publish(DAY, tmp_path, "listing").json_file)

    account = document["ledger"]
    assert account == ledger(DAY).model_dump(mode="json")
    assert account["announced"] == account["done"] + account["owed"] == len(document["papers"])
    assert account["done"] == sum("provenance" in p for p in document["papers"]) == 3
    assert account["owed"] == sum("owed" in p for p in document["papers"]) == 2
    assert account["cost"] == pytest.approx(
        sum(p["provenance"]["cost"] for p in document["papers"] if p["line"])
    )
    assert {key: document[key] for key in ("format", "date", "field", "name", "source")} == {
        "format": 1,
        "date": "2026-01-07",
        "field": "audio",
        "name": "音频",
        "source": "rss.arxiv.org",
    }


def test_the_json_says_where_a_line_comes_from_or_why_there_is_none(tmp_path: Path) -> None:
    papers = as_json(publish(DAY, tmp_path, "listing").json_file)["papers"]

    assert [(p["section"], p["number"], p["arxiv_id"]) for p in papers] == [
        ("new", 1, "2601.00002"),
        ("new", 2, "math/0309136"),
        ("new", 3, "2601.00001"),
        ("replaced", 1, "2512.00009"),
        ("replaced", 2, "2512.00008"),
    ]
    outcome = DAY.outcomes[4]
    assert isinstance(outcome, Done)
    assert papers[2]["line"] == outcome.summary.line
    assert papers[2]["tags"] == ["cs.SD", "eess.AS"]
    assert papers[2]["model_tags"] == ["cs.LG", "cs.SD"]
    assert papers[2]["provenance"] == outcome.summary.provenance.model_dump(mode="json")
    assert papers[2]["announce_type"] == "new"
    assert papers[1]["announce_type"] == "cross"
    assert papers[1]["line"] is None
    reason = "no_markup: has **"
    assert papers[1]["owed"] == {"stage": "validate", "cause": "rules", "reason": reason}
    assert "provenance" not in papers[1]
    assert "owed" not in papers[2]


def test_a_day_with_nothing_in_it_is_a_digest_too(tmp_path: Path) -> None:
    markdown = publish(day(), tmp_path, "listing").markdown

    assert markdown.read_text(encoding="utf-8") == (
        "# 音频 cs.SD;  eess.AS\n\n- **最新发布 0 篇**\n\n- **更新 0 篇**\n\n"
        "## 最新发布\n\n## 更新\n\n"
    )


_TEXT = st.text(st.characters(codec="utf-8"), max_size=30).map(one_line)
_PAPERS = st.builds(
    Paper,
    arxiv_id=st.sampled_from(["2601.00001", "math/0309136"]),
    version=st.integers(1, 99),
    title=_TEXT,
    abstract=_TEXT | st.sampled_from(["---", "> **备注:** x", "#### [new 002] x", "**"]),
    authors=st.lists(_TEXT, max_size=3).map(tuple),
    comment=st.none() | _TEXT.filter(bool),
    categories=st.lists(st.sampled_from(["cs.SD", "eess.AS"]), unique=True).map(tuple),
)


@given(st.lists(st.tuples(_PAPERS, st.booleans(), st.sampled_from(AnnounceType)), max_size=3))
def test_no_metadata_of_arxivs_can_break_the_digest(
    papers: list[tuple[Paper, bool, AnnounceType]],
) -> None:
    outcomes = [(done if ready else owed)(announce, of) for of, ready, announce in papers]

    text = render(digest_of(day(*outcomes), "listing"))

    entries = parse(text).entries
    in_order = sorted(papers, key=lambda item: item[2].section is Section.REPLACED)
    assert [(e.title, e.abstract, e.comment, e.line is not None) for e in entries] == [
        (of.title, of.abstract, of.comment, ready) for of, ready, _ in in_order
    ]


@pytest.mark.parametrize("name", ["语 音", " 音频", "音频\n", "语\u3000音"])
def test_no_setting_can_break_the_heading(name: str) -> None:
    with pytest.raises(DigestFormatError):
        render(digest_of(DAY.model_copy(update={"name": name}), "listing"))
    with pytest.raises(ValidationError, match="should match pattern"):
        FieldSettings(name=name, categories=("cs.SD",))


def written(path: Path) -> tuple[int, int, int]:
    """Changes with every write, and with nothing else: reading moves a file's atime."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def test_publishing_the_same_day_again_touches_nothing(tmp_path: Path) -> None:
    first = publish(DAY, tmp_path, "listing")
    before = [written(path) for path in (first.markdown, first.json_file)]

    again = publish(DAY, tmp_path, "listing")

    assert again == first.model_copy(update={"changed": False})
    assert [written(path) for path in (first.markdown, first.json_file)] == before
    assert sorted(path.name for path in first.markdown.parent.iterdir()) == [
        "audio.json",
        "audio.md",
    ]


def test_a_change_in_either_file_is_a_change(tmp_path: Path) -> None:
    publish(DAY, tmp_path, "listing")
    other_reason = DAY.outcomes[3].model_copy(update={"reason": "another"})  # only in the JSON
    later = DAY.model_copy(update={"outcomes": (*DAY.outcomes[:3], other_reason, DAY.outcomes[4])})

    published = publish(later, tmp_path, "listing")

    assert published.changed
    assert published.markdown.read_text(encoding="utf-8") == MARKDOWN


def test_outputs_that_cannot_be_written_are_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "2026-01-07").write_text("a file where the folder should be")

    with pytest.raises(OutputError, match=r"audio\.md: cannot be written"):
        publish(DAY, tmp_path, "listing")


# Tags


@pytest.mark.parametrize(
    ("choice", "arxiv", "model", "published"),
    [
        ("listing", ("cs.SD", "eess.AS"), ("cs.LG",), ("cs.SD", "eess.AS")),
        ("model", ("cs.SD", "eess.AS"), ("cs.LG",), ("cs.LG",)),
        ("listing", (), ("cs.LG",), ("cs.LG",)),
        ("listing", ("cs.SD",), None, ("cs.SD",)),
        ("model", ("cs.SD",), None, ("cs.SD",)),
    ],
)
def test_whose_tags_are_published(
    choice: Any, arxiv: tuple[str, ...], model: tuple[str, ...] | None, published: tuple[str, ...]
) -> None:
    of = paper("2601.00001", categories=arxiv)
    found = summary(of, tags=model) if model else None

    assert published_tags(of, found, choice) == published


def test_the_models_tags_stand_in_both_files_on_request(tmp_path: Path) -> None:
    published = publish(DAY, tmp_path, "model")

    entry = load(published.markdown).new[2]
    in_json = as_json(published.json_file)["papers"][2]
    assert entry.tags_text == "cs.LG; cs.SD"
    assert in_json["tags"] == in_json["model_tags"] == ["cs.LG", "cs.SD"]
    assert in_json["categories"] == ["cs.SD", "eess.AS"]


# One entry


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    return [(a, b) for a, b in zip(old, new, strict=True) if a != b]


def with_new_line(at: int, line: str, tags: tuple[str, ...] = ("cs.LG",)) -> tuple[Day, Summary]:
    """The day after one paper was done again."""
    announcement = DAY.outcomes[at].announcement
    again = summary(announcement.paper, line, tags)
    outcomes = list(DAY.outcomes)
    outcomes[at] = Done(announcement=announcement, summary=again)
    return day(*outcomes), again


NEW_LINE = "本文研究语音编码任务，提出一种新的方法。"


def test_a_patch_changes_one_line(tmp_path: Path) -> None:
    publish(DAY, tmp_path, "listing")
    later, again = with_new_line(4, NEW_LINE)

    published = patch(later, again, tmp_path, "listing")

    assert published.changed
    assert changed_lines(MARKDOWN, published.markdown.read_text(encoding="utf-8")) == [
        (f"- **简介: {LINE[:-1]}，编号2601.00001。**", f"- **简介: {NEW_LINE}**")
    ]
    assert as_json(published.json_file)["papers"][2]["line"] == NEW_LINE


def test_a_patch_is_what_publishing_the_day_would_give(tmp_path: Path) -> None:
    for choice in ("listing", "model"):
        later, again = with_new_line(4, NEW_LINE)
        publish(DAY, tmp_path / "patched", choice)
        patched = patch(later, again, tmp_path / "patched", choice)
        whole = publish(later, tmp_path / "whole", choice)

        assert patched.markdown.read_bytes() == whole.markdown.read_bytes()
        assert patched.json_file.read_bytes() == whole.json_file.read_bytes()


def test_a_patch_with_the_models_tags_changes_them_too(tmp_path: Path) -> None:
    publish(DAY, tmp_path, "model")
    before = (tmp_path / "2026-01-07" / "audio.md").read_text(encoding="utf-8")
    later, again = with_new_line(4, NEW_LINE, tags=("eess.AS",))

    after = patch(later, again, tmp_path, "model").markdown.read_text(encoding="utf-8")

    assert changed_lines(before, after) == [
        ("- **分类: cs.LG; cs.SD**", "- **分类: eess.AS**"),
        (f"- **简介: {LINE[:-1]}，编号2601.00001。**", f"- **简介: {NEW_LINE}**"),
    ]


def test_an_owed_paper_gets_its_line_and_loses_nothing(tmp_path: Path) -> None:
    publish(DAY, tmp_path, "listing")
    later, again = with_new_line(2, NEW_LINE)

    published = patch(later, again, tmp_path, "listing")

    link = "- **链接: [https://arxiv.org/pdf/math/0309136v1]"
    expected = MARKDOWN.replace(link, f"- **简介: {NEW_LINE}**\n\n{link}")
    assert published.markdown.read_text(encoding="utf-8") == expected
    in_json = as_json(published.json_file)
    assert "owed" not in in_json["papers"][1]
    assert in_json["ledger"]["owed"] == 1


def test_a_hand_edited_digest_keeps_its_edits(tmp_path: Path) -> None:
    markdown = publish(DAY, tmp_path, "listing").markdown
    edited = (
        MARKDOWN.replace("Title of 2601.00002", "Title of 2601.00002 (corrected)")
        .replace("编号2512.00009", "由编辑改写")
        .replace("- **分类: cs.SD; eess.AS**", "- **分类: cs.SD;\neess.AS; I.2.7**", 1)
    )
    markdown.write_text(edited, encoding="utf-8")
    later, again = with_new_line(4, NEW_LINE)

    patch(later, again, tmp_path, "listing")

    assert changed_lines(edited, markdown.read_text(encoding="utf-8")) == [
        (f"- **简介: {LINE[:-1]}，编号2601.00001。**", f"- **简介: {NEW_LINE}**")
    ]


def test_the_same_patch_again_touches_nothing(tmp_path: Path) -> None:
    publish(DAY, tmp_path, "listing")
    later, again = with_new_line(4, NEW_LINE)
    first = patch(later, again, tmp_path, "listing")
    before = written(first.markdown)

    second = patch(later, again, tmp_path, "listing")

    assert not second.changed
    assert written(first.markdown) == before


def test_a_day_that_was_never_published_is_published_whole(tmp_path: Path) -> None:
    later, again = with_new_line(4, NEW_LINE)

    published = patch(later, again, tmp_path, "listing")

    assert published.changed
    assert published.markdown.read_text(encoding="utf-8") == MARKDOWN.replace(
        f"{LINE[:-1]}，编号2601.00001。", NEW_LINE
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("> **作者:** Ann", "作者: Ann", 16),
        ("最新发布 3 篇", "最新发布 4 篇", 47),
        ("# 音频 cs.SD", "音频 cs.SD", 1),
        ("[new 002]", "[new 003]", 21),
    ],
)
def test_a_digest_that_is_none_any_more_is_left_alone(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    published = publish(DAY, tmp_path, "listing")
    edited = MARKDOWN.replace(old, new, 1)
    published.markdown.write_text(edited, encoding="utf-8")
    json_before = published.json_file.read_bytes()
    later, again = with_new_line(4, NEW_LINE)

    with pytest.raises(DigestFormatError) as caught:
        patch(later, again, tmp_path, "listing")

    assert caught.value.where == f"{published.markdown}:{line}"
    assert published.markdown.read_text(encoding="utf-8") == edited
    assert published.json_file.read_bytes() == json_before


def test_a_paper_that_was_taken_out_of_the_digest_is_not_put_back(tmp_path: Path) -> None:
    published = publish(day(*DAY.outcomes[:4]), tmp_path, "listing")
    before = [published.markdown.read_bytes(), published.json_file.read_bytes()]
    later, again = with_new_line(4, NEW_LINE)

    with pytest.raises(UsageError, match=r"2601\.00001v1"):
        patch(later, again, tmp_path, "listing")

    assert [published.markdown.read_bytes(), published.json_file.read_bytes()] == before


def test_another_format_stands_beside_the_two_and_is_patched_with_them(tmp_path: Path) -> None:
    published = publish(DAY, tmp_path, "listing", ["csv"])
    table = published.markdown.with_suffix(".csv")
    assert sorted(path.suffix for path in published.markdown.parent.iterdir()) == [
        ".csv",
        ".json",
        ".md",
    ]
    assert not publish(DAY, tmp_path, "listing", ["csv"]).changed
    later, again = with_new_line(2, NEW_LINE)
    patched = patch(later, again, tmp_path, "listing", ["csv"])
    assert patched.changed
    assert again.line in table.read_text(encoding="utf-8-sig")
