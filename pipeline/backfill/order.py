"""What a job is: its papers, planned once, and the folder that has all of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from pipeline.errors import OutputError, UsageError, one_line
from pipeline.records import AnnounceType, Paper, Record

LEAST, MOST = 1, 500
"""Papers of a shard."""
USUAL = 200


class Planned(Record):
    """A paper on the day whose digest has it."""

    date: dt.date
    announce: AnnounceType
    paper: Paper

    @property
    def order(self) -> tuple[dt.date, int, str]:
        """Days, and in each arXiv's order: by announce type and then by id."""
        return self.date, self.announce.rank, self.paper.arxiv_id


class Order(Record):
    """Which papers. Written once, when the job is planned."""

    sources: tuple[str, ...]
    """As they were named: snapshot:FILE, oai:SET, digest:PATH, pdf-tar:DIR."""
    field: str
    name: str
    """The field's Chinese name."""
    categories: tuple[str, ...]
    """A paper belongs to the job that has one of them."""
    since: dt.date | None = None
    until: dt.date | None = None
    """Both are in it."""
    ids: tuple[str, ...] = ()
    """Without versions; empty: all."""
    first: bool = False
    """Papers stand on the day of their first version, in the place of the one that is told of."""
    shard_papers: Annotated[int, Field(ge=LEAST, le=MOST)] = USUAL

    @property
    def source(self) -> str:
        """What the days are from, for their provenance."""
        return next(one for one in self.sources if not one.startswith("pdf-tar:"))


class Shard(Record):
    """Some papers that one worker does at a time; its name has the hash of their ids."""

    name: str = Field(pattern=r"^[0-9]{5,}-[0-9a-f]{12}$")
    papers: int
    first: dt.date
    last: dt.date
    """Its days, both in it; other shards can have some of them too."""


class Plan(Record):
    """The papers of a job by shards and by days."""

    format: Literal[1] = 1
    order: Order
    planned: dt.datetime
    shards: tuple[Shard, ...]
    days: dict[dt.date, int]
    """Papers of each."""
    left_out: dict[str, int] = {}  # noqa: RUF012 - pydantic copies defaults
    """What of the source is not in it, and how often: why → entries."""

    @property
    def papers(self) -> int:
        """All that is announced."""
        return sum(shard.papers for shard in self.shards)

    def shards_of(self, date: dt.date) -> list[Shard]:
        """Those that may have papers of this day."""
        return [shard for shard in self.shards if shard.first <= date <= shard.last]


class JobFolder:
    """Where everything of a job lies.

    plan.json, papers/ (what the shards have), replies/ (as they come), parts/ (what became of
    whole shards), digests/, harvest/ (pages of OAI-PMH), pdf/, logs/.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def plan_file(self) -> Path:
        """Written last of a plan: what is not there is not planned."""
        return self.root / "plan.json"

    @property
    def planning(self) -> Path:
        """A plan in the making; gone when it is made."""
        return self.root / "planning"

    def papers(self, shard: str) -> Path:
        """What a shard has."""
        return self.root / "papers" / f"{shard}.jsonl.gz"

    def replies(self, shard: str) -> Path:
        """A folder: a file for each worker that had the shard."""
        return self.root / "replies" / shard

    @property
    def parts(self) -> Path:
        """The folder of what became of whole shards."""
        return self.root / "parts"

    def part(self, shard: str) -> Path:
        """What became of the shard."""
        return self.parts / f"part-{shard}.parquet"

    @property
    def digests(self) -> Path:
        """Laid out as a night's outputs are."""
        return self.root / "digests"

    @property
    def harvest(self) -> Path:
        """Pages of OAI-PMH as they came."""
        return self.root / "harvest"

    @property
    def pdfs(self) -> Path:
        """PDFs out of tars, while they are read."""
        return self.root / "pdf"

    @property
    def batches(self) -> Path:
        """Of a job by the Batch API, what was sent and what came."""
        return self.root / "batches.sqlite3"

    @property
    def endpoint(self) -> Path:
        """What the endpoint is known to take."""
        return self.root / "endpoint.json"

    def plan(self) -> Plan | None:
        """The plan; None where there is none yet. Raises OutputError where it cannot be read."""
        try:
            return Plan.model_validate_json(self.plan_file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise OutputError(
                f"cannot be read: {one_line(error)[:200]}",
                where=self.plan_file,
                fix="Remove it and give the sources again: what is done is kept",
            ) from error

    def need_plan(self) -> Plan:
        """The plan. Raises UsageError where there is none."""
        if (plan := self.plan()) is None:
            raise UsageError(
                "no job is here",
                where=self.root,
                fix="Name its sources: jianjie backfill run snapshot:FILE",
            )
        return plan
