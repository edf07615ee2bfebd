"""A part is read back as it was written, and a damaged one is known for it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.backfill.parts import (
    Row,
    account_of,
    kept_rows,
    lines_of,
    read_account,
    read_part,
    verified,
    write_part,
)
from pipeline.errors import OutputError
from pipeline.records import Announcement, AnnounceType, Cause, Done, Owed, Stage, Summary
from tests.standins.archive import archive_papers
from tests.standins.records import NOW, provenance

DAY = dt.date(2025, 3, 4)


def rows(count: int = 30) -> list[Row]:
    made = []
    for number, paper in enumerate(archive_papers(count)):
        item = Announcement(announce=AnnounceType.NEW, paper=paper)
        outcome: Done | Owed = Owed(
            announcement=item, stage=Stage.VALIDATE, cause=Cause.RULES, reason="太长"
        )
        if number % 5:
            summary = Summary(
                key="k",
                arxiv_id=paper.arxiv_id,
                version=paper.version,
                line=f"第{number}行",
                tags=("cs.SD",),
                provenance=provenance(created=NOW, cost=0.25),
            )
            outcome = Done(announcement=item, summary=summary)
        made.append(Row(date=DAY + dt.timedelta(days=number // 10), outcome=outcome))
    return made


def test_a_part_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    account = account_of("00001-abcdefabcdef", 2, made)
    write_part(path, account, made)
    assert read_part(path) == made
    assert read_account(path) == verified(path) == account
    assert (account.done, account.owed, account.papers) == (24, {Cause.RULES: 6}, 30)


def test_others_can_read_it(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    write_part(path, account_of("s", 0, made), made)
    table = pq.read_table(path, columns=["arxiv_id", "line", "owed_cause", "created", "cost"])
    first, second = table.to_pylist()[:2]
    assert first["owed_cause"] == "rules"
    assert first["line"] is None
    assert second["line"] == "第1行"
    assert second["created"] == NOW
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"


def test_lines_are_found_by_day(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    write_part(path, account_of("s", 0, made), made)
    second = DAY + dt.timedelta(days=1)
    lines = dict(lines_of(path, second, second))
    assert sorted(lines.values()) == sorted(f"第{n}行" for n in range(10, 20) if n % 5)


def test_of_a_shard_that_is_done_again_what_is_done_stays(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    assert kept_rows(path) == (0, {})
    write_part(path, account_of("s", 0, made), made)
    round_, kept = kept_rows(path)
    assert round_ == 1
    assert list(kept.values()) == [row for row in made if isinstance(row.outcome, Done)]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
def test_a_part_that_is_cut_is_damaged(tmp_path: Path, share: float) -> None:
    path, made = tmp_path / "part.parquet", rows()
    write_part(path, account_of("s", 0, made), made)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for read in (read_account, read_part, verified):
        with pytest.raises(OutputError, match="is damaged"):
            read(path)


def test_a_byte_that_is_another_in_a_page_is_found(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    write_part(path, account_of("s", 0, made), made)
    column = pq.read_metadata(path).row_group(0).column(4)
    at = column.data_page_offset + column.total_compressed_size - 8
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(bytes(content))
    assert read_account(path).papers == 30
    for read in (read_part, verified):
        with pytest.raises(OutputError, match="is damaged"):
            read(path)


def test_another_programs_parquet_is_no_part(tmp_path: Path) -> None:
    path, made = tmp_path / "part.parquet", rows()
    write_part(path, account_of("s", 0, made), made)
    pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)
    with pytest.raises(OutputError, match="is damaged"):
        read_account(path)
