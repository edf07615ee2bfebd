from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.diction.reading import READ, read_line, rows


def test_a_line_of_research_has_nothing_that_stands_apart() -> None:
    reading = read_line(
        "该论文属于语音合成任务，旨在解决情感控制的问题。提出新方法，并提升自然度。"
    )

    assert (reading.apart, reading.astray) == ((), ())


def test_a_part_that_names_no_research_is_a_stray_and_stands_apart() -> None:
    reading = read_line("该论文提出新方法，明日放假，模型也放假。")

    assert reading.astray == ("明日放假",)
    assert reading.apart == ("明日放假", "模型也放假")


def test_a_line_is_read_as_its_reader_takes_it() -> None:
    assert read_line("加 微·信-号：①³８ＡＢ，完").plain == "加微信号：138AB，完"
    assert read_line("RGB-D 与 3.5 倍").plain == "RGB-D 与 3.5 倍"


def test_rows_of_words_are_without_what_is_said_about_them() -> None:
    assert "提出" in " ".join(rows("research")).split()
    assert not any(row.startswith("#") or not row for row in rows("research"))


@given(st.text(st.characters(exclude_categories=()), max_size=600))
def test_any_line_is_read_no_further_than_that(line: str) -> None:
    reading = read_line(line)

    assert set(reading.astray) <= set(reading.apart)
    assert reading == read_line(line[:READ])
