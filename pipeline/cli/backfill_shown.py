"""What `backfill` shows: how far a job is, what it has come to, what it would take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipeline.backfill.estimate import Estimate
from pipeline.backfill.order import Plan
from pipeline.backfill.progress import Progress
from pipeline.backfill.state import State
from pipeline.cli.tables import money
from pipeline.cli.terminal import OUT, bar
from pipeline.files import shown_path
from pipeline.records import Cause


@contextmanager
def watching(papers: int) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, nothing elsewhere: the log has a line a minute."""
    with bar() as shown:
        task = shown.add_task("papers", total=papers)

        def watch(progress: Progress) -> None:
            about = f"{progress.whole:,} of {progress.days:,} days"
            shown.update(task, description=about, completed=progress.done + progress.owed)

        yield watch


def _facts(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def print_progress(place: Path, plan: Plan, progress: Progress) -> None:
    """At the end of a run."""
    table = _facts(f"{plan.order.name} {shown_path(place)}")
    table.add_row(
        "announced", _sum(progress.papers, progress.done, progress.papers - progress.done)
    )
    table.add_row("days", f"{progress.whole:,} of {progress.days:,} published")
    if progress.calls:
        table.add_row("calls", f"{progress.calls:,}")
    table.add_row("time", _time(progress.seconds))
    OUT.print(table)
    if progress.whole:
        OUT.print("Into store and site: jianjie backfill import")


def print_state(place: Path, state: State) -> None:
    """What `backfill status` shows."""
    order = state.order
    table = _facts(f"{order.name} {shown_path(place)}")
    owed = sum(state.owed.values())
    table.add_row("announced", _sum(state.announced, state.done, owed))
    for cause, papers in state.owed.items():
        name = "not done yet" if cause is Cause.NOT_TRIED else cause.value
        table.add_row("", f"{papers:,} {name}")
    table.add_row("shards", f"{state.finished:,} of {state.shards:,} over")
    table.add_row("days", f"{state.whole:,} of {state.days:,} whole")
    unsure = f", {state.unsure:,} of them without a reply" if state.unsure else ""
    table.add_row("calls", f"{state.calls:,}{unsure}")
    table.add_row("tokens", f"{state.tokens_in:,} in, {state.tokens_out:,} out")
    table.add_row("cost", money(state.cost))
    table.add_row("sources", escape("; ".join(order.sources)))
    for why, entries in state.left_out.items():
        table.add_row("left out", escape(f"{entries:,}: {why}"))
    OUT.print(table)


def print_estimate(estimate: Estimate, plan: Plan) -> None:
    """What a job would take."""
    first, last = min(plan.days), max(plan.days)
    table = _facts(f"{plan.order.name} {first} to {last}")
    table.add_row("papers", f"{estimate.papers:,} in {estimate.shards:,} shards")
    table.add_row("days", f"{estimate.days:,}")
    table.add_row(
        "tokens",
        f"at most {estimate.tokens_in:,} in, {estimate.tokens_out:,} out, without re-asking",
    )
    cost = money(estimate.cost)
    table.add_row("cost", f"at most {cost}" if estimate.cost is not None else cost)
    table.add_row("time", _how_long(estimate))
    table.add_row("disk", f"about {math.ceil(estimate.disk_mb):,} MB, without PDFs")
    table.add_row("", f"from a sample of {estimate.sample:,} papers; no model was called")
    OUT.print(table)


def _how_long(estimate: Estimate) -> str:
    if estimate.by_batch:
        return "by batch: within 24 hours of each sending"
    parts = []
    if estimate.by_limits_s:
        parts.append(f"{_time(estimate.by_limits_s)} by the profile's limits a minute")
    if estimate.by_replies_s:
        parts.append(f"{_time(estimate.by_replies_s)} by the model's last replies")
    if estimate.pdfs_s:
        parts.append(f"{_time(estimate.pdfs_s)} for arXiv's PDFs")
    if not estimate.by_replies_s:
        parts.append("how fast the model is, its first replies will tell")
    return "; ".join(parts)


def _sum(announced: int, done: int, owed: int) -> str:
    return f"{announced:,} = {done:,} done + {owed:,} owed"


def _time(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
