"""What became of a shard, as one Parquet file: every paper of it, done or owed.

The columns are in docs/scale.md. A part is written beside its place and renamed, so that it is
whole or not there; each page of it has a checksum.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.backfill.order import Planned
from pipeline.errors import ConfigError, OutputError, one_line
from pipeline.files import replacing_path
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Done,
    Outcome,
    Owed,
    Paper,
    Record,
    Stage,
    Summary,
)

if TYPE_CHECKING:
    import pyarrow as pa

_ACCOUNT = b"jianjie"


class Account(Record):
    """A part in numbers, which stand in its footer."""

    format: int = 1
    shard: str
    round: int
    """How often the shard had been finished before."""
    done: int
    owed: dict[Cause, int]

    @property
    def papers(self) -> int:
        """All of the shard."""
        return self.done + sum(self.owed.values())


class Row(Record):
    """A paper of a day, and what became of it."""

    date: dt.date
    outcome: Outcome

    @property
    def planned(self) -> Planned:
        """As the plan has it."""
        item = self.outcome.announcement
        return Planned(date=self.date, announce=item.announce, paper=item.paper)


def need_pyarrow() -> None:
    """Raises ConfigError where there is none."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "pyarrow is not installed",
            where="backfill",
            fix="Install jianjie[backfill], or pyarrow alone for --local",
        ) from error


def account_of(shard: str, round_: int, rows: Sequence[Row]) -> Account:
    """The sums."""
    owed = Counter(row.outcome.cause for row in rows if isinstance(row.outcome, Owed))
    return Account(shard=shard, round=round_, done=len(rows) - sum(owed.values()), owed=dict(owed))


def write_part(path: Path, account: Account, rows: Sequence[Row]) -> None:
    """The file at `path`, whole or not at all. Raises OutputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([_columns(row) for row in rows], schema=_schema())
    table = table.replace_schema_metadata({_ACCOUNT: account.model_dump_json().encode()})
    with replacing_path(path) as beside:
        pq.write_table(table, beside, compression="zstd", write_page_checksum=True)


def read_account(path: Path) -> Account:
    """A part's sums. Raises OutputError where the file is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
        return Account.model_validate_json(metadata.get(_ACCOUNT, b""))
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise damaged(path, error) from error


def verified(path: Path) -> Account:
    """The same, with every page of the file held against its checksum."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, error) from error
    return read_account(path)


def read_part(path: Path) -> list[Row]:
    """Its rows, in the plan's order. Raises OutputError where the file is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
        return [_row(columns) for columns in table.to_pylist()]
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error


def kept_rows(path: Path) -> tuple[int, dict[str, Row]]:
    """Of a shard that is done again: how often it was finished, and by versioned id what is done.

    0 and nothing where it has no part yet. Raises OutputError where that is damaged.
    """
    if not path.exists():
        return 0, {}
    done = (row for row in read_part(path) if isinstance(row.outcome, Done))
    return read_account(path).round + 1, {row.planned.paper.versioned: row for row in done}


def lines_of(path: Path, since: dt.date, until: dt.date) -> Iterator[tuple[str, str]]:
    """Base id and line of its papers of these days, both in it. Raises OutputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path, columns=["date", "arxiv_id", "line"]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, error) from error
    for row in rows:
        if row["line"] and since <= row["date"] <= until:
            yield row["arxiv_id"], row["line"]


def damaged(path: Path, error: Exception) -> OutputError:
    """What to do about a part that cannot be read."""
    return OutputError(
        f"is damaged: {one_line(error)[:200]}",
        where=path,
        fix="Run the job again: its shard is made anew from the replies that were kept",
    )


def _schema() -> pa.Schema:
    import pyarrow as pa

    words = pa.list_(pa.string())
    return pa.schema(
        [
            ("date", pa.date32()),
            ("announce", pa.string()),
            ("arxiv_id", pa.string()),
            ("version", pa.int32()),
            ("title", pa.string()),
            ("abstract", pa.string()),
            ("authors", words),
            ("comment", pa.string()),
            ("categories", words),
            ("submitted", pa.timestamp("us", tz="UTC")),
            ("metadata", pa.string()),
            ("line", pa.string()),
            ("tags", words),
            ("model", pa.string()),
            ("prompt", pa.string()),
            ("text_source", pa.string()),
            ("tokens_in", pa.int64()),
            ("tokens_out", pa.int64()),
            ("cost", pa.float64()),
            ("created", pa.timestamp("us", tz="UTC")),
            ("summary", pa.string()),
            ("owed_stage", pa.string()),
            ("owed_cause", pa.string()),
            ("owed_reason", pa.string()),
        ]
    )


def _columns(row: Row) -> dict[str, Any]:
    item = row.outcome.announcement
    columns: dict[str, Any] = {
        "date": row.date,
        "announce": item.announce.value,
        **item.paper.model_dump(),
    }
    if isinstance(row.outcome, Done):
        summary = row.outcome.summary
        made = summary.provenance
        return columns | {
            "line": summary.line,
            "tags": list(summary.tags),
            "model": made.model,
            "prompt": made.prompt,
            "text_source": made.text_source,
            "tokens_in": made.tokens_in,
            "tokens_out": made.tokens_out,
            "cost": made.cost,
            "created": made.created,
            "summary": summary.model_dump_json(),
        }
    return columns | {
        "owed_stage": row.outcome.stage.value,
        "owed_cause": row.outcome.cause.value,
        "owed_reason": row.outcome.reason,
    }


def _row(columns: dict[str, Any]) -> Row:
    paper = Paper(**{name: columns[name] for name in Paper.model_fields})
    item = Announcement(announce=AnnounceType(columns["announce"]), paper=paper)
    outcome: Outcome
    if columns["summary"] is not None:
        summary = Summary.model_validate(json.loads(columns["summary"]))
        outcome = Done(announcement=item, summary=summary)
    else:
        outcome = Owed(
            announcement=item,
            stage=Stage(columns["owed_stage"]),
            cause=Cause(columns["owed_cause"]),
            reason=columns["owed_reason"],
        )
    return Row(date=columns["date"], outcome=outcome)
