"""What a command prints when it is done: tables, and lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.markup import escape
from rich.table import Table

from pipeline.cli.findings import Finding
from pipeline.cli.terminal import OUT
from pipeline.digest.ledger import ledger
from pipeline.errors import counted
from pipeline.files import page_of, shown_path
from pipeline.listing.find import NothingAnnounced
from pipeline.night.account import note, unchecked, usual
from pipeline.night.estimate import Estimate
from pipeline.night.reprocess import Again
from pipeline.night.result import Night, Trouble
from pipeline.records import Canary, Day, Done, Outcome, Owed, Paper, Replaced, Summary
from pipeline.store.messages import Delivery
from pipeline.store.runs import Run
from pipeline.store.spending import Spent
from pipeline.text.html import plain

if TYPE_CHECKING:  # a night needs none of what evaluations need
    from pipeline.evaluate.answers import Work
    from pipeline.evaluate.evaluation import Plan
    from pipeline.library.taste import Scored
    from pipeline.llm.weights import Weights

_NARROW = 80
"""Columns: a narrower terminal has no room for borders."""
_Kind = Literal["text", "fixed", "number"]


def _listed(title: str, columns: Mapping[str, _Kind]) -> Table:
    """An empty table of rows. What is a date, an amount or a count is never cut or folded."""
    narrow = OUT.width < _NARROW
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        show_edge=not narrow,
        padding=(0, 1, 0, 0) if narrow else (0, 1),
    )
    for heading, kind in columns.items():
        right: Literal["right", "left"] = "right" if kind == "number" else "left"
        table.add_column(heading, justify=right, no_wrap=kind != "text", overflow="fold")
    return table


def print_work(planned: Plan, work: Mapping[str, Work]) -> None:
    """What an evaluation would still ask for, at the most, without re-asking."""
    print_limits(counted(len(planned.cases), "case"), work)
    for arxiv_id, why in planned.left_out.items():
        OUT.print(escape(f"left out: {arxiv_id}: {why}"), soft_wrap=True)


def print_limits(about: str, work: Mapping[str, Work]) -> None:
    """Calls, tokens and cost at the most, by who is asked."""
    table = _listed(
        about,
        {
            "system": "text",
            "calls": "number",
            "tokens\nin": "number",
            "tokens\nout": "number",
            "cost at most": "text",
        },
    )
    for name, left in work.items():
        row = (f"{left.calls:,}", f"{left.tokens_in:,}", f"{left.tokens_out:,}", money(left.cost))
        table.add_row(escape(name), *row)
    OUT.print(table)


def print_result(result: Night | Trouble, seconds: float) -> None:
    """The account of a field's night, or that it had none."""
    if isinstance(result, Night):
        _print_night(result, seconds)
        return
    table = Table(title=result.name, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("not done", escape(str(result.error)))
    OUT.print(table)


def _print_night(night: Night, seconds: float) -> None:
    if isinstance(night.day, NothingAnnounced):
        OUT.print(escape(note(night)), soft_wrap=True)
    elif night.published:
        OUT.print(_day_table(night.day, night.published.markdown, seconds))
    if night.earlier:
        OUT.print(_days_table("earlier nights", night.earlier))
    for day in night.days:
        for owed in day.owed:
            OUT.print(f"待补 {_owed_line(owed)}", soft_wrap=True)


def print_estimate(estimate: Estimate | NothingAnnounced) -> None:
    """What a run would do: papers and upper bounds."""
    if isinstance(estimate, NothingAnnounced):
        text = f"{estimate.date}: nothing announced: {estimate.reason}"
        OUT.print(escape(text), soft_wrap=True)
        return
    listing = estimate.listing
    table = Table(title=f"{listing.field} {listing.date}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("announced", str(len(listing.announcements)))
    table.add_row("to do", str(estimate.todo))
    tokens = f"at most {estimate.tokens_in:,} in, {estimate.tokens_out:,} out, without re-asking"
    table.add_row("tokens", tokens)
    if estimate.look_in:
        looks = f"at most {estimate.look_in:,} in, {estimate.look_out:,} out more"
        table.add_row("second look", looks)
    table.add_row(
        "cost", f"at most {money(estimate.cost)}" if estimate.cost is not None else money(None)
    )
    table.add_row("time", escape(_how_long(estimate)))
    OUT.print(table)


def _how_long(estimate: Estimate) -> str:
    """In minutes and seconds, and what it hangs on."""
    if estimate.by_batch:
        return "by batch: within 24 hours"
    minutes, seconds = divmod(math.ceil(estimate.seconds), 60)
    about = f"about {minutes} min {seconds} s" if minutes else f"about {seconds} s"
    if estimate.model_s is None:
        return f"{about} for arXiv's PDFs; how fast the model is, its first replies will tell"
    return f"{about}, by its last replies" if estimate.seconds else "none"


def print_findings(findings: Iterable[Finding]) -> list[Finding]:
    """A line for each, as soon as it is found; all of them."""
    found = []
    for finding in findings:
        _print_finding(finding)
        found.append(finding)
    return found


def _print_finding(finding: Finding) -> None:
    mark = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}[finding.state]
    fix = f" → {finding.fix}" if finding.fix else ""
    OUT.print(f"{mark} {escape(f'{finding.about}: {finding.text}{fix}')}", soft_wrap=True)


def _day_table(day: Day, digest: Path, seconds: float) -> Table:
    account = ledger(day)
    table = Table(title=f"{day.name} {day.date}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = [
        ("announced", str(account.announced)),
        (
            "done",
            f"{account.done} ({account.from_pdf} from the PDF, "
            f"{account.from_abstract} from the abstract)",
        ),
        ("owed (待补)", str(account.owed)),
        ("check", _check(day)),
        ("time", f"{seconds:.1f} s"),
        ("tokens", f"{account.tokens_in:,} in, {account.tokens_out:,} out"),
        ("cost", money(account.cost)),
        ("tags agree", _agreement(day)),
        ("model", ", ".join(sorted({d.summary.provenance.model for d in day.done})) or "—"),
        ("digest", shown_path(digest)),
        ("site", shown_path(page_of(digest))),
    ]
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _check(day: Day) -> str:
    """Whether the listing is all that arXiv announced."""
    if problems := unchecked(day):
        return "; ".join(problems)
    check = day.check
    found, pages, added = (
        (check.counted, len(check.pages), len(check.added)) if check else (0, 0, 0)
    )
    unfed = f", {added} of them not in the feed" if added else ""
    over = len(check.no_news) if check else 0
    left = f", {over} no news here" if over else ""
    on = f"{found} on arXiv's {counted(pages, 'list page')}"
    return f"complete: {on}{unfed}{left}"


def _agreement(day: Day) -> str:
    tags = ledger(day).tags
    if not tags.papers:
        return "—"
    return (
        f"micro F1 {tags.micro_f1:.1%}, primary right {tags.primary_right}/{tags.papers}, "
        f"equal {tags.exact}/{tags.papers}"
    )


def money(cost: float | None) -> str:
    """In the currency of the profile's prices."""
    return "unknown (no prices in config.yaml)" if cost is None else f"{cost:.4f}"


def _owed_line(owed: Owed) -> str:
    return escape(f"{owed.announcement.paper.versioned} ({owed.stage.value}): {owed.reason}")


def print_again(again: Again) -> None:
    """The line before and after, what was patched, and where to read it."""
    name = again.file.name if again.file else again.paper.versioned
    OUT.print(f"[bold]{escape(name)}[/] {escape(again.paper.title)}")
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, summary in (("old", again.old), ("new", again.new)):
        if summary is not None:
            table.add_row(name, escape(summary.line))
            table.add_row("", escape(_made_by(summary)), style="dim")
    OUT.print(table)
    if again.new is not None and again.old == again.new:
        text = "the same line from the same question: nothing is published; another --prompt"
        OUT.print(f"{text} or --model may give another", soft_wrap=True)
    for path in again.patched:
        done = "written" if again.file else "patched"
        OUT.print(f"{done} {escape(shown_path(path))}", soft_wrap=True)
    if again.page:
        OUT.print(f"page {escape(shown_path(again.page))}", soft_wrap=True)


def _made_by(summary: Summary) -> str:
    made = summary.provenance
    if made.by is not None:
        return f"{'; '.join(summary.tags)} · 人工 · {made.by} · {made.created:%Y-%m-%d %H:%M}"
    source = "PDF" if made.text_source == "pdf" else made.text_source
    return (
        f"{'; '.join(summary.tags)} · {made.model} · prompt {made.prompt} · from the {source}"
        f" · {made.created:%Y-%m-%d %H:%M}{' · 低置信' if made.doubtful else ''}"
        f"{f' · looked at again by {made.second_look.model}' if made.second_look else ''}"
    )


def print_paper(
    paper: Paper, summaries: Sequence[tuple[Summary, bool]], earlier: Replaced | None
) -> None:
    """A paper and every summary it ever had, oldest first; ● marks the published one."""
    OUT.print(f"[bold]{escape(paper.versioned)}[/] {escape(paper.title)}")
    OUT.print(escape(f"{'; '.join(paper.authors)}\narXiv: {'; '.join(paper.categories)}"))
    if paper.missing:
        OUT.print("备注 not known yet: arXiv's API did not answer", soft_wrap=True)
    if earlier is not None:
        same = "" if earlier.changes else ": only the file"
        OUT.print(f"since v{earlier.version}{same}")
        for change in earlier.changes:
            OUT.print(escape(f"  {change.field}: {change.diff}"), soft_wrap=True)
    table = Table(show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for summary, published in summaries:
        table.add_row("●" if published else "", escape(f"v{summary.version} {summary.line}"))
        table.add_row("", escape(_made_by(summary)), style="dim")
        if summary.provenance.fallback:
            table.add_row("", escape(summary.provenance.fallback), style="dim")
        for one in summary.evidence if published else ():
            page = f", page {one.page}" if one.page else ""
            quoted = f"{one.part.chinese} {one.words} ← {one.where}{page}: {one.quote}"
            table.add_row("", escape(quoted), style="dim")
    OUT.print(table)


def _days_table(title: str, days: Sequence[Day]) -> Table:
    table = _listed(
        title,
        {
            "date": "fixed",
            "field": "text",
            "announced": "number",
            "done": "number",
            "owed": "number",
            "check": "text",
        },
    )
    for day in days:
        account = ledger(day)
        counts = (str(n) for n in (account.announced, account.done, account.owed))
        check = "; ".join(unchecked(day)) or "complete"
        name = f"{day.name} ({day.field})"
        table.add_row(day.date.isoformat(), name, *counts, escape(check))
    return table


def print_canary(canary: Canary) -> None:
    """A night's scores of the example papers, with what is usual."""
    columns: dict[str, _Kind]
    columns = {"score": "text", "mean": "number", "usual": "text", "state": "text"}
    table = _listed("canary", columns)
    for score in canary.scores:
        mark = "drift" if score.name in canary.drift else "as usual"
        table.add_row(score.name, f"{score.value:.1f}", usual(score), mark)
    papers = counted(canary.papers, "paper")
    nights = f"against {counted(canary.nights, 'earlier night')}"
    OUT.print(table)
    OUT.print(escape(f"{canary.date}: {papers} by {canary.model}, {nights}"), soft_wrap=True)


def print_status(
    days: Sequence[Day], runs: Sequence[Run], spent: Sequence[Spent], canary: Canary | None
) -> None:
    """What is owed, how the last runs ended, what calls to models cost, if the model changed."""
    OUT.print(_days_table("days", days))
    for day in days:
        for owed in day.owed:
            OUT.print(f"待补 {day.date} {_owed_line(owed)}", soft_wrap=True)
    table = _listed(
        "runs", {"started (UTC)": "fixed", "command": "text", "exit": "text", "note": "text"}
    )
    for run in runs:
        ended = "running or killed" if run.exit_status is None else str(run.exit_status)
        table.add_row(
            f"{run.started:%Y-%m-%d %H:%M:%S}", escape(run.command), ended, escape(run.note or "")
        )
    OUT.print(table)
    if spent:
        OUT.print(_spent_table(spent))
    if canary:
        print_canary(canary)


def print_unsent(deliveries: Sequence[Delivery]) -> None:
    """A line for each message that has still to reach somebody."""
    for one in deliveries:
        why = f": {one.error}" if one.error else ""
        text = f"message of {one.created:%Y-%m-%d %H:%M} not sent to {one.target} yet{why}"
        OUT.print(escape(text), soft_wrap=True)


def print_outdated(outdated: Sequence[tuple[Summary, int]]) -> None:
    """A line for each paper that somebody wrote a line for, and that has a new version since."""
    for line, newest in outdated:
        text = (
            f"{line.arxiv_id}v{newest} has a model's line, v{line.version} one by"
            f" {line.provenance.by}: jianjie edit {line.arxiv_id}"
        )
        OUT.print(escape(text), soft_wrap=True)


def print_models(models: Sequence[tuple[Weights, bool]]) -> None:
    """The larger built-in models."""
    table = _listed(
        "models", {"name": "fixed", "size": "number", "licence": "fixed", "here": "fixed"}
    )
    for weights, here in models:
        size = f"{weights.size / 1e6:,.0f} MB"
        table.add_row(weights.name, size, weights.licence, "yes" if here else "no")
    OUT.print(table)


def print_ranking(ranking: Sequence[tuple[Outcome, Scored]], announced: int, least: float) -> None:
    """The best first: score, line and title, and what speaks for it."""
    table = _listed(
        f"{len(ranking)} of {counted(announced, 'paper')}, from {least:g} up",
        {"score": "number", "paper": "fixed", "简介, title, why": "text"},
    )
    for outcome, scored in ranking:
        paper = outcome.announcement.paper
        line = outcome.summary.line if isinstance(outcome, Done) else "待补"
        near = [f"like “{scored.near}”"] if scored.near else []
        why = "; ".join([", ".join(scored.words), *near] if scored.words else near)
        text = "\n".join(filter(None, (line, plain(paper.title), why)))
        table.add_row(f"{scored.score:.1f}", paper.versioned, escape(text), end_section=True)
    OUT.print(table)


def _spent_table(spent: Sequence[Spent]) -> Table:
    table = _listed(
        "spent",
        {
            "day (UTC)": "fixed",
            "model": "text",
            "calls": "text",
            "tokens\nin": "number",
            "cached": "number",
            "tokens\nout": "number",
            "cost": "number",
        },
    )
    for one in spent:
        unsure = f" ({one.unsure} without a reply)" if one.unsure else ""
        table.add_row(
            one.day.isoformat() if one.day else "before",
            escape(one.model),
            f"{one.calls}{unsure}",
            *(f"{tokens:,}" for tokens in (one.tokens_in, one.cached_in, one.tokens_out)),
            "unknown" if one.cost is None else f"{one.cost:.4f}",
        )
    return table
