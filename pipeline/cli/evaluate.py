"""The command `evaluate`: what it takes, the order of its steps, its exit status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, NoReturn

import typer

from pipeline.cli import session
from pipeline.cli.cases import (
    CaseFieldOption,
    FullTextOption,
    KindOption,
    SinceOption,
    UntilOption,
    by_profile,
    filters_of,
    wanted_cases,
)
from pipeline.cli.options import CONFIG, ConfigOption, load_settings
from pipeline.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.config import Config
    from pipeline.evaluate.evaluation import Finished, Plan
    from pipeline.evaluate.gate import Baseline, Bound
    from pipeline.evaluate.results import Evaluation
    from pipeline.prompt.variant import Variant

EXIT_GATE = 1
COMPARE = "compare"
Form = Literal["table", "markdown"]


def evaluate(  # noqa: PLR0913 - each is an option of the command
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Prompt variants: files, or names in prompts/; the first is the baseline. Or"
            " compare A B: two finished evaluations, by the beginnings of their names."
        ),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model profiles; repeatable. Default: the settings'."),
    ] = None,
    cases: Annotated[
        list[Path] | None,
        typer.Option(
            help="Human-written digests or folders of them, or production: papers of your nights"
            " that were edited, owed, taken back, asked again or starred; repeatable. Default: the"
            " examples, without the papers that a prompt shows."
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    kind: KindOption = None,
    field: CaseFieldOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many cases.")] = None,
    leave_out_leaks: Annotated[
        bool, typer.Option("--leave-out-leaks", help="Leave leaking papers of --cases out.")
    ] = False,
    full_text: FullTextOption = False,
    repeat: Annotated[int, typer.Option(min=1, help="Samples a case, averaged.")] = 1,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="In the place of the prompts'.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A model profile that judges pairs of lines, blinded.")
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(help="A model profile that says whether the paper says what each line says."),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=NUMBER", help="Exit 1 below (a cost: above); repeatable."),
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit 1 if worse than the baseline.")
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option(help="Hold the first variant against this saved baseline too.")
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option(help="Save the first variant's scores; never lower ones.")
    ] = None,
    lower_baseline: Annotated[
        bool, typer.Option("--lower-baseline", help="Let --save-baseline save lower scores.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show all evaluations so far, and end.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show cases, calls and cost; call no model.")
    ] = False,
    form: Annotated[
        Form,
        typer.Option("--format", help="markdown: for a pull request, in the place of the tables."),
    ] = "table",
    as_json: Annotated[
        bool, typer.Option("--json", help="With --history: print JSON, for programs.")
    ] = False,
) -> None:
    """Compare prompts: which is better, how sure.

    Lines and tags are scored against human-written ones, paper by paper.
    """
    from pipeline.evaluate.evaluation import EvaluationOrder, plan

    settings = load_settings(config, or_shipped=True)
    if as_json and not history:
        raise UsageError("has no effect alone", where="--json", fix="Add --history")
    if history:
        _history(settings, as_json=as_json)
        return
    if prompts and _wants_compared(settings, prompts):
        _compare(settings, prompts[1:], form)
        return
    goal = _goal(fail_under, fail_if_worse, baseline)
    if lower_baseline and not save_baseline:
        raise UsageError("has no effect alone", where="--lower-baseline", fix="Add --save-baseline")
    writers = tuple(dict.fromkeys(model or [settings.model]))
    wanted = wanted_cases(settings, cases)
    order = EvaluationOrder(
        variants=_variants(settings, prompts or []),
        configs=by_profile(settings, writers, temperature, {"--judge": judge, "--verify": verify}),
        writers=writers,
        digests=wanted.digests,
        own=wanted.own,
        filters=filters_of(settings, since, until, kind, field),
        limit=limit,
        leave_out_leaks=leave_out_leaks or not cases or wanted.of_nights,
        repeat=repeat,
        full_text=full_text,
        judge=judge,
        verify=verify,
    )
    _priced(order.configs, goal.bounds)
    finished = _run(plan(order), form, dry_run=dry_run)
    if finished is not None:
        _end(finished, goal, save_baseline, lower=lower_baseline)


class _Goal(NamedTuple):
    """What an evaluation is held to."""

    bounds: list[Bound]
    if_worse: bool
    saved: Baseline | None


def _goal(fail_under: Sequence[str] | None, if_worse: bool, baseline: Path | None) -> _Goal:
    """Raises UsageError for what means nothing, before anything is asked."""
    from pipeline.evaluate import gate

    if baseline and not if_worse:
        raise UsageError("has no effect alone", where="--baseline", fix="Add --fail-if-worse")
    bounds = [gate.parse_bound(text) for text in fail_under or ()]
    return _Goal(bounds, if_worse, gate.load_baseline(baseline) if baseline else None)


def _priced(configs: Mapping[str, Config], bounds: Sequence[Bound]) -> None:
    """Raises ConfigError where a cost is to be held to a bound that nobody can tell."""
    for name, config in configs.items():
        profile = config.profile
        unknown = profile.price_in is None or profile.price_out is None
        if unknown and any(bound.metric == "cost" for bound in bounds):
            raise ConfigError(
                f"the model profile {name!r} has no price_in and price_out",
                where="--fail-under cost",
                fix="Fill them in in config.yaml; 0 for a server of your own",
            )


def _end(finished: Finished, goal: _Goal, save_to: Path | None, *, lower: bool) -> NoReturn:
    """Say what was missed, save what is to be saved, and exit."""
    from pipeline.evaluate import gate

    failed = list(gate.failures(finished, goal.bounds, if_worse=goal.if_worse, baseline=goal.saved))
    for line in failed:
        session.say(line)
    if save_to:
        gate.save_baseline(save_to, finished, lower=lower)
    sys.exit(EXIT_GATE if failed else 0)


def _wants_compared(settings: Config, prompts: Sequence[str]) -> bool:
    """A prompt of that name is a prompt."""
    return prompts[:1] == [COMPARE] and not (settings.paths.prompts / f"{COMPARE}.md").exists()


def _compare(settings: Config, names: Sequence[str], form: Form) -> None:
    """Two finished evaluations; no call is made. Raises UsageError, OutputError."""
    from pipeline.app import EVALUATIONS
    from pipeline.clock import Clock
    from pipeline.evaluate.finished import against

    if len(names) != 2:
        raise UsageError(
            "needs the names of two evaluations",
            where=COMPARE,
            fix="See: jianjie evaluate --history",
        )
    first, second = names
    _print(against(settings.paths.outputs / EVALUATIONS, first, second, Clock().now()), form)


def _print(evaluation: Evaluation, form: Form) -> None:
    from pipeline.cli.terminal import OUT
    from pipeline.errors import printable
    from pipeline.evaluate.report.markdown import markdown
    from pipeline.evaluate.report.table import print_evaluation

    if form == "markdown":
        typer.echo(printable(markdown(evaluation)), nl=False)
    else:
        print_evaluation(evaluation, OUT)


def _run(planned: Plan, form: Form, *, dry_run: bool) -> Finished | None:
    """The evaluation, written and shown; None for a dry run."""
    from pipeline.cli.tables import print_work
    from pipeline.cli.terminal import OUT, Steps
    from pipeline.evaluate import evaluation, history
    from pipeline.files import shown_path

    order = planned.order
    with session.bench(order.configs, full_text=order.full_text) as bench, Steps() as steps:
        made = evaluation.ready(bench, planned, steps)
        if dry_run:
            print_work(planned, evaluation.work(bench, made))
            return None
        finished = evaluation.evaluate(bench, made, steps)
        written = history.write(bench.folder, finished)
    _print(finished.evaluation, form)
    if form == "markdown":
        session.say(f"report {shown_path(written.report)}")
    else:
        OUT.print(f"report {shown_path(written.report)}", soft_wrap=True, markup=False)
    return finished


def _history(settings: Config, *, as_json: bool) -> None:
    from pipeline.app import EVALUATIONS
    from pipeline.evaluate.history import read

    evaluations, unread = read(settings.paths.outputs / EVALUATIONS)
    for line in unread:
        session.say(line)
    if not evaluations:
        raise UsageError(
            "no evaluation yet",
            where=settings.paths.outputs / EVALUATIONS,
            fix="Make one: jianjie evaluate PROMPT",
        )
    if as_json:
        from pipeline.cli.as_json import of_history, print_json

        print_json(of_history(evaluations))
    else:
        from pipeline.cli.terminal import OUT
        from pipeline.evaluate.report.table import print_history

        print_history(evaluations, OUT)


def _variants(settings: Config, prompts: Sequence[str]) -> tuple[Variant, ...]:
    """Files, or names in the prompts folder; each once. Raises PromptError, UsageError."""
    from pipeline.prompt.variant import load_variant

    if not prompts:
        names = ", ".join(sorted(file.stem for file in settings.paths.prompts.glob("*.md")))
        raise UsageError("names no prompt variant", where="evaluate", fix=f"There are: {names}")
    variants: dict[str, Variant] = {}
    for text in dict.fromkeys(prompts):
        variant = load_variant(text, settings.paths.prompts)
        if variant.name in variants:
            raise UsageError(
                f"two variants are called {variant.name!r}", where=text, fix="Rename one file"
            )
        variants[variant.name] = variant
    return tuple(variants.values())
