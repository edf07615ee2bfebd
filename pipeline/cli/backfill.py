"""The command `backfill`: a whole archive's digests."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import (
    CONFIG,
    DATE_FORMATS,
    ConfigOption,
    FieldOption,
    JsonOption,
    ModelOption,
    PromptOption,
    chosen_fields,
    load_settings,
)
from pipeline.errors import EXIT_DONE, EXIT_OWED, UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.backfill.edges import Edges
    from pipeline.backfill.engine import Engine
    from pipeline.backfill.order import JobFolder, Order, Plan
    from pipeline.config import Config

backfill = typer.Typer(
    name="backfill",
    help="Digests of a whole archive: run, status, import.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JobOption = Annotated[
    Path | None,
    typer.Option("--job", "-j", help="The job's folder. Default: outputs/backfill/FIELD."),
]


@backfill.command(
    epilog="Examples:  jianjie backfill run snapshot:arxiv.json.gz --since 2025-01-01 --dry-run  ·"
    "  jianjie backfill run oai:cs.SD oai:eess.AS --local  ·  jianjie backfill run digest:digests"
    " --job again  ·  jianjie backfill run --job again --retry-owed"
)
def run(  # noqa: PLR0913 - each is an option of the command
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="snapshot:FILE (arXiv's metadata, JSON lines, gz or zst), oai:SET, digest:PATH,"
            " pdf-tar:FOLDER. Without any: a job that was planned goes on."
        ),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    job: JobOption = None,
    field: FieldOption = None,
    since: Annotated[
        dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="The first day.")
    ] = None,
    until: Annotated[
        dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="The last day.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="In the place of the field's categories. Can be given several times."),
    ] = None,
    ids: Annotated[
        Path | None, typer.Option(help="A file of arXiv ids, one a line: only these.")
    ] = None,
    first: Annotated[
        bool,
        typer.Option(
            "--first",
            help="Papers stand on the day of their first version, not of the one that is told of.",
        ),
    ] = False,
    shard: Annotated[int, typer.Option(min=1, max=500, help="Papers of a shard.")] = 200,
    local: Annotated[
        bool, typer.Option("--local", help="Processes of this machine, without Ray.")
    ] = False,
    ray_address: Annotated[
        str | None,
        typer.Option(help="A Ray cluster that shares the job's folder. Default: this machine."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: as the model's calls need.")
    ] = None,
    download: Annotated[
        bool,
        typer.Option("--download", help="Ask arXiv for PDFs that no tar has, one every 3 s."),
    ] = False,
    retry_owed: Annotated[
        bool, typer.Option("--retry-owed", help="Do again what has no line.")
    ] = False,
    model: ModelOption = None,
    prompt: PromptOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show papers, tokens, money, time and disk.")
    ] = False,
) -> None:
    """Make the digests of an archive's days, or go on with it.

    Run again after a stop: nothing is asked for twice. What is made lies in the job's folder until
    jianjie backfill import puts it into the store and the site.
    """
    from pipeline.backfill.parts import need_pyarrow

    if local and ray_address:
        raise UsageError("--local and --ray-address exclude each other", where="backfill run")
    if ray_address and download:
        raise UsageError(
            "--download is for one machine: arXiv wants one connection",
            where="backfill run",
            fix="Give pdf-tar:FOLDER, or leave one of the two out",
        )
    need_pyarrow()
    settings = load_settings(config, model, prompt)
    if settings.verify:
        raise UsageError(
            "a backfill takes no second look",
            where="verify",
            fix="Set it to false for this: JIANJIE_VERIFY=false jianjie backfill run …",
        )
    named = _field(settings, field, job)
    folder = _folder(settings, named, job)
    order = None
    if sources:
        order = _order(settings, named, sources, category, ids)
        dates = {"since": since and since.date(), "until": until and until.date()}
        order = order.model_copy(update={**dates, "first": first, "shard_papers": shard})
    elif since or until or category or ids or first:
        raise UsageError("goes with sources", where="--since, --until, --category, --ids, --first")
    if dry_run:
        _dry_run(settings, named, folder, order, download=download)
        return
    engine = None if local or _is_batch(settings) else _ray(settings, workers, ray_address)
    with ExitStack() as open_:
        if engine is not None:
            open_.callback(engine.stop)
        edges = open_.enter_context(_edges(settings, named, folder))
        sys.exit(_run(edges, folder, order, engine, workers, download, retry_owed))


def _field(settings: Config, field: str | None, job: Path | None) -> str:
    """The field: named, the job's, or the only one of the settings. Raises UsageError."""
    from pipeline.backfill.order import JobFolder

    if field is None and job is not None and (plan := JobFolder(job).plan()) is not None:
        field = plan.order.field
    names = chosen_fields(settings, field)
    if len(names) > 1:
        raise UsageError(
            "a job is of one field", where="--field", fix=f"There are: {', '.join(names)}"
        )
    return names[0]


def _folder(settings: Config, field: str, job: Path | None) -> JobFolder:
    from pipeline.backfill.order import JobFolder

    return JobFolder((job or settings.paths.outputs / "backfill" / field).absolute())


def _order(
    settings: Config,
    field: str,
    sources: list[str],
    category: list[str] | None,
    ids: Path | None,
) -> Order:
    """Raises UsageError for a source that is none, or has no metadata."""
    from pipeline.backfill.order import Order
    from pipeline.backfill.sources import parse_source, read_ids
    from pipeline.categories import nearest, vocabulary

    parsed = [parse_source(text) for text in sources]
    if all(source.kind == "pdf-tar" for source in parsed):
        raise UsageError(
            "has PDFs and no metadata", where=sources[0], fix="Name snapshot: or oai: before it"
        )
    for one in category or ():
        if one not in vocabulary():
            close = ", ".join(nearest(one)) or "none"
            raise UsageError(f"{one!r} is no category", where="--category", fix=f"Nearest: {close}")
    return Order(
        sources=tuple(
            text if source.kind == "oai" else f"{source.kind}:{source.path.absolute()}"
            for text, source in zip(sources, parsed, strict=True)
        ),
        field=field,
        name=settings.fields[field].name,
        categories=tuple(category or settings.fields[field].categories),
        ids=read_ids(ids) if ids else (),
    )


def _is_batch(settings: Config) -> bool:
    """Batches need no workers."""
    from pipeline.settings import EndpointProfile

    return isinstance(settings.profile, EndpointProfile) and settings.profile.batch


def _ray(settings: Config, workers: int | None, address: str | None) -> Engine:
    from pipeline.backfill.job import workers_for
    from pipeline.backfill.on_ray import RayEngine

    return RayEngine(workers or workers_for(settings), address)


@contextmanager
def _edges(settings: Config, field: str, folder: JobFolder) -> Iterator[Edges]:
    """What a job is worked with, under the lock of its folder."""
    from pipeline.app import build_model, cache_folder, check, load_variants, locked, pdf_cache
    from pipeline.backfill.edges import Edges
    from pipeline.cli import mistakes
    from pipeline.clock import Clock
    from pipeline.events import Events, log_file

    _, variants = load_variants(settings)
    check(settings)
    clock = Clock()
    with session.interruptible(clock), locked(folder.root, session.command(), clock):
        events = Events(log_file(folder.root, clock), clock)
        mistakes.log_in_use(events.path)
        try:
            yield Edges(
                config=settings,
                variant=variants[field],
                build_model=build_model,
                clock=clock,
                events=events,
                cache=cache_folder(settings),
                pdf_cache=pdf_cache(settings),
            )
        finally:
            events.close()


def _planned(
    edges: Edges, folder: JobFolder, order: Order | None, tell_papers: bool = True
) -> Plan:
    """The job's plan: made now, or as it was. Raises UsageError where it is another one."""
    from collections import Counter

    from pipeline.app import cache_folder
    from pipeline.arxiv.client import ArxivClient
    from pipeline.backfill.shards import keep_plan, plan_job
    from pipeline.backfill.sources import papers

    before = folder.plan()
    if order is None:
        return folder.need_plan()
    if before is not None and before.order != order:
        raise UsageError(
            "has a job with other sources or filters",
            where=folder.root,
            fix="Go on with it: leave them out; or name another folder: --job",
        )
    if before is not None and all(folder.papers(shard.name).exists() for shard in before.shards):
        return before
    left_out: Counter[str] = Counter()
    config = edges.config
    arxiv = ArxivClient(config.arxiv, config.retry, edges.clock, cache_folder(config))
    try:
        found = papers(order, folder, arxiv, left_out, _teller(edges))
        plan = plan_job(order, found, folder, edges.clock.now())
    finally:
        arxiv.close()
    if before is not None and [s.name for s in before.shards] != [s.name for s in plan.shards]:
        raise UsageError(
            "the sources have other papers than when the job was planned",
            where=folder.root,
            fix="Give those that it was planned with, or name another folder: --job",
        )
    plan = plan.model_copy(update={"left_out": dict(left_out)})
    if tell_papers:
        for why, entries in left_out.most_common(5):
            session.say(f"{counted(entries, 'entry')} left out: {why}")
    keep_plan(plan, folder)
    return plan


def _teller(edges: Edges) -> Callable[[str], None]:
    """How far a harvest is: to the log, and to whoever watches."""

    def tell(text: str) -> None:
        edges.events.emit("harvest", text=text)
        if sys.stderr.isatty():
            session.say(text)

    return tell


def _run(
    edges: Edges,
    folder: JobFolder,
    order: Order | None,
    engine: Engine | None,
    workers: int | None,
    download: bool,
    retry_owed: bool,
) -> int:
    from pipeline.backfill.job import Crew, run_job, workers_for
    from pipeline.backfill.local import LocalEngine
    from pipeline.cli.backfill_shown import print_progress, watching

    plan = _planned(edges, folder, order)
    crew = Crew(
        engine=engine or LocalEngine(),
        workers=workers or workers_for(edges.config),
        download=download,
        retry_owed=retry_owed,
    )
    with watching(plan.papers) as watch:
        outcome = run_job(edges, plan, folder, crew, watch)
    if sys.stdout.isatty():
        print_progress(folder.root, plan, outcome.progress)
    if outcome.trouble is not None:
        session.say(f"{outcome.trouble}. {counted(outcome.progress.left, 'paper')} left")
        return outcome.trouble.exit_status
    progress = outcome.progress
    if progress.left:
        papers = "1 paper is" if progress.left == 1 else f"{progress.left:,} papers are"
        session.say(f"{papers} out in batches: run it again to fetch them")
        return EXIT_OWED
    if progress.owed:
        fix = "see jianjie backfill status; --retry-owed does them again"
        session.say(f"{counted(progress.owed, 'paper')} of {progress.papers:,} owed: {fix}")
    return EXIT_OWED if progress.owed else EXIT_DONE


def _dry_run(
    settings: Config, field: str, folder: JobFolder, order: Order | None, *, download: bool
) -> None:
    """In a folder of its own, but for a harvest, which is kept: it took arXiv's time."""
    from tempfile import TemporaryDirectory

    from pipeline.backfill.estimate import estimate
    from pipeline.backfill.order import JobFolder
    from pipeline.cli.backfill_shown import print_estimate

    folder.root.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_:
        place = folder
        if order is not None and folder.plan() is None:
            made = open_.enter_context(TemporaryDirectory(dir=folder.root.parent, prefix=".dry-"))
            place = JobFolder(Path(made))
            if any(source.startswith("oai:") for source in order.sources):
                folder.harvest.mkdir(parents=True, exist_ok=True)
                place.harvest.symlink_to(folder.harvest)
        edges = open_.enter_context(_edges(settings, field, place))
        plan = _planned(edges, place, order)
        typical = _typical(settings)
        print_estimate(estimate(edges, plan, place, download=download, typical_s=typical), plan)


def _typical(settings: Config) -> float | None:
    """Seconds of a reply, by the night's store."""
    from pipeline.app import STORE_FILE
    from pipeline.settings import EndpointProfile

    if not (settings.paths.outputs / STORE_FILE).exists():
        return None
    profile = settings.profile
    with session.reading(settings) as store:
        name = profile.model if isinstance(profile, EndpointProfile) else settings.model
        return store.replies.typical_seconds(name)


@backfill.command(
    epilog="Examples:  jianjie backfill status  ·  jianjie backfill status --job again --json"
)
def status(
    config: ConfigOption = CONFIG,
    job: JobOption = None,
    field: FieldOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a job has done, what it owes and what it cost."""
    from pipeline.backfill.parts import need_pyarrow
    from pipeline.backfill.state import state_of
    from pipeline.cli.backfill_shown import print_state

    need_pyarrow()
    settings = load_settings(config, or_shipped=True)
    folder = _folder(settings, _field(settings, field, job), job)
    state = state_of(folder, session.say)
    if as_json:
        from pipeline.cli.as_json import print_json

        print_json(state.model_dump(mode="json"))
    else:
        print_state(folder.root, state)


@backfill.command(
    "import", epilog="Examples:  jianjie backfill import  ·  jianjie backfill import --job again"
)
def import_days(
    config: ConfigOption = CONFIG, job: JobOption = None, field: FieldOption = None
) -> None:
    """Put a job's whole days into the store, the digests and the site.

    What the nights made themselves stays.
    """
    from pipeline.backfill.days import Days, put_into
    from pipeline.backfill.parts import need_pyarrow
    from pipeline.backfill.progress import finished_shards
    from pipeline.files import shown_path
    from pipeline.night.digests import publish_day

    need_pyarrow()
    settings = load_settings(config)
    folder = _folder(settings, _field(settings, field, job), job)
    plan = folder.need_plan()
    finished = finished_shards(plan, folder, session.say)
    days = Days(plan, folder, settings.tags)
    whole = days.whole(finished.keys())
    if not whole:
        raise UsageError("no day is whole yet", where=folder.root, fix="See: backfill status")
    lines = own = 0
    with session.outputs(settings) as store:
        for imported in put_into(store, map(days.day, whole)):
            lines += imported.lines
            own += imported.own
            day = store.days.get(imported.date, plan.order.field)
            if day is not None:
                publish_day(store, settings, day)
    missing = len(plan.days) - len(whole)
    typer.echo(
        f"{counted(len(whole), 'day')}, {counted(lines, 'new line')}"
        + (f"; {counted(own, 'day')} as arXiv listed them" if own else "")
        + (f"; {counted(missing, 'day')} not whole yet" if missing else "")
    )
    with session.reading(settings, again=True) as store:
        files = session.update_site(store, settings)
        place = shown_path(settings.paths.outputs / "site")
        typer.echo(f"{place} {counted(files, 'file')} written")
