"""The command `optimize`: a better variant of a prompt, found by search and decided by a test."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import session
from pipeline.cli.cases import (
    CaseFieldOption,
    FullTextOption,
    SinceOption,
    UntilOption,
    by_profile,
    filters_of,
    wanted_cases,
)
from pipeline.cli.options import CONFIG, ConfigOption, complete_prompt, load_settings
from pipeline.errors import ConfigError, UsageError, counted

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.config import Config
    from pipeline.evaluate.answers import Work
    from pipeline.optimize.kept import Written
    from pipeline.optimize.optimize import Outcome, Prepared


def optimize(  # noqa: PLR0913 - each is an option of the command
    prompt: Annotated[
        str,
        typer.Argument(
            help="The prompt to start from: a name in prompts/, or a file.",
            autocompletion=complete_prompt,
        ),
    ],
    *,
    config: ConfigOption = CONFIG,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="The profile that writes. Default: the settings'."),
    ] = None,
    reflect: Annotated[
        str | None,
        typer.Option(
            help="The profile that proposes; a strong model. Default: the one that writes."
        ),
    ] = None,
    cases: Annotated[
        list[Path] | None,
        typer.Option(
            help="Human-written digests or folders of them, or production; repeatable. 150 papers"
            " or more are good. Default: the examples."
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    field: CaseFieldOption = None,
    limit: Annotated[int | None, typer.Option(min=12, help="The first so many cases.")] = None,
    full_text: FullTextOption = False,
    verify: Annotated[
        str | None, typer.Option(help="A profile that says what the paper does not say.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What is to be higher. Default: content-chrf.")
    ] = None,
    few_shot: Annotated[
        bool,
        typer.Option(
            "--few-shot",
            help="Search for the examples too: which, how many, the nearest to each paper. No"
            " paper among them is then a case.",
        ),
    ] = False,
    proposals: Annotated[int, typer.Option(min=1, help="Texts to try at the most.")] = 12,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Lines to have written at the most.")
    ] = None,
    max_money: Annotated[
        float | None,
        typer.Option(min=0, help="For each model, in the currency of its prices; then it stops."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="For each model, of a run; then it stops.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one searches another way.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The winner's file. Default: PROMPT-better.md beside it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the parts, calls and cost; call no model.")
    ] = False,
) -> None:
    """Search for a better prompt; sealed papers decide.

    The instructions change; delimiters, variables, vocabulary and the reply's form stay. Papers are
    split by time: to learn from, to choose by, and sealed. Only where the sealed ones show that the
    best is better a new variant is written. Run it again to go on where it stopped.
    """
    if find_spec("gepa") is None:
        raise ConfigError(
            "gepa is not installed",
            where="optimize",
            fix="Install the extra: pip install 'jianjie[optimize]'",
        )
    from pipeline.clock import Clock
    from pipeline.evaluate.evaluation import EvaluationOrder
    from pipeline.optimize.kept import free_name
    from pipeline.optimize.optimize import OptimizeOrder, checked_metric, prepare
    from pipeline.optimize.search import Limits
    from pipeline.prompt.variant import load_variant, path_of

    settings = load_settings(config)  # with prompts of one's own: the winner is written there
    variant = load_variant(prompt, settings.paths.prompts)
    writer = model or settings.model
    wanted = wanted_cases(settings, cases)
    order = OptimizeOrder(
        evaluation=EvaluationOrder(
            variants=(variant,),
            configs=_capped(
                by_profile(
                    settings,
                    [writer],
                    None,
                    {"--reflect": reflect or writer, "--verify": verify},
                ),
                max_money,
                max_tokens,
            ),
            writers=(writer,),
            digests=wanted.digests,
            own=wanted.own,
            filters=filters_of(settings, since, until, None, field),
            limit=limit,
            leave_out_leaks=True,
            full_text=full_text,
            verify=verify,
        ),
        path=path_of(prompt, settings.paths.prompts),
        prompts=settings.paths.prompts,
        reflect=reflect or writer,
        metric=checked_metric(metric),
        limits=Limits(proposals, seed=seed),
        max_calls=max_calls,
        few_shot=few_shot,
    )
    if out is not None and out.exists():
        raise UsageError("is there already", where=f"--out {out}", fix="Give another name")
    prepared = prepare(order)
    target = out or free_name(order.path.parent, variant.name)
    _run(settings, prepared, target, Clock(), dry_run=dry_run)


def _capped(
    configs: dict[str, Config], money: float | None, tokens: int | None
) -> dict[str, Config]:
    """With a budget of their own. Raises ConfigError where a price is not known."""
    caps = {"money": money, "tokens": tokens}
    wanted = {name: cap for name, cap in caps.items() if cap is not None}
    capped = {}
    for name, one in configs.items():
        profile = one.profile
        if money is not None and (profile.price_in is None or profile.price_out is None):
            raise ConfigError(
                f"the model profile {name!r} has no price_in and price_out",
                where="--max-money",
                fix="Fill them in in config.yaml; 0 for a server of your own",
            )
        budget = one.budget.model_copy(update=wanted)
        capped[name] = one.model_copy(update={"budget": budget})
    return capped


def _run(
    settings: Config, prepared: Prepared, target: Path, clock: Clock, *, dry_run: bool
) -> None:
    from pipeline.cli.terminal import OUT, Steps
    from pipeline.evaluate import evaluation
    from pipeline.optimize.estimate import work
    from pipeline.optimize.kept import OPTIMIZATIONS, decided_before, write
    from pipeline.optimize.optimize import optimize as optimized

    order = prepared.order
    folder = settings.paths.outputs / OPTIMIZATIONS
    before = decided_before(folder, frozenset(case.id for case in prepared.parts.sealed))
    with (
        session.bench(order.evaluation.configs, full_text=order.evaluation.full_text) as bench,
        Steps() as steps,
    ):
        made = evaluation.ready(bench, prepared.plan, steps)
        _announce(prepared, work(bench, made, prepared), before, shown=dry_run)
        if dry_run:
            return
        outcome = optimized(bench, made, prepared, steps)
        written = write(folder, outcome, target, clock.now())
    for line in _told(outcome, written):
        OUT.print(line, soft_wrap=True, markup=False)


def _announce(prepared: Prepared, most: dict[str, Work], before: int, *, shown: bool) -> None:
    """The parts, and what it takes at the most; what speaks against believing it."""
    from pipeline.cli.tables import print_limits
    from pipeline.optimize.parts import WANTED

    parts = prepared.parts
    about = (
        f"{counted(len(parts.learn), 'paper')} to learn from, {len(parts.choose)} to choose by,"
        f" {len(parts.sealed)} sealed ({parts.sealed[0].date} to {parts.sealed[-1].date})"
    )
    if shown:
        print_limits(about, most)
    else:
        session.say(about)
        for name, one in most.items():
            session.say(f"{name}: {counted(one.calls, 'call')} at the most")
    if len(prepared.plan.cases) < WANTED:
        session.say(
            f"WARNING: {counted(len(prepared.plan.cases), 'case')}; {WANTED} or more are good: few"
            " sealed papers show large differences alone"
        )
    if before:
        session.say(
            f"WARNING: {counted(before, 'optimization')} opened some of these sealed papers before:"
            " of twenty prompts that are no better one wins by chance; give newer papers"
        )


def _told(outcome: Outcome, written: Written) -> list[str]:
    from pipeline.evaluate.report.words import verdict
    from pipeline.evaluate.results import METRICS
    from pipeline.files import shown_path

    found, metric = outcome.found, METRICS[outcome.prepared.metric]
    thrown = sum(bool(one.thrown_out) for one in outcome.proposals)
    first, best = found.candidates[0].score, found.candidates[found.best].score
    lines = [
        f"{counted(len(outcome.proposals), 'proposal')}: {thrown} thrown out,"
        f" {len(found.candidates) - 1} kept; {counted(outcome.samples, 'line')} written"
    ]
    if outcome.decided is None:
        lines.append(
            f"no winner: nothing was better than {100 * first:.1f} {metric.unit} of {metric.title}"
            f" on the {len(outcome.prepared.parts.choose)} papers to choose by"
        )
    else:
        lines += [
            f"papers to choose by: {100 * best:.1f} {metric.unit} of {metric.title},"
            f" {100 * first:.1f} before",
            f"sealed papers: {verdict(outcome.decided)}",
            *_losses(outcome),
        ]
    if outcome.report is not None:
        lines.append(f"report {shown_path(outcome.report)}")
    lines.append(f"history {shown_path(written.history)}")
    if written.variant is not None:
        lines.append(f"written {shown_path(written.variant)}")
    return lines


def _losses(outcome: Outcome) -> list[str]:
    """Where the best is worse, for all that it is better in."""
    from pipeline.evaluate.report.words import verdict

    told = outcome.sealed.evaluation.comparisons if outcome.sealed else ()
    others = (one for one in told if one.metric != outcome.prepared.metric)
    worse = [one for one in others if one.verdict == "worse"]
    return [f"WARNING: {verdict(one)}" for one in worse]
