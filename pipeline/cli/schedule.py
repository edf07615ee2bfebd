"""The command `schedule`: a run every listing night, printed or installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, ModelOption, load_settings

if TYPE_CHECKING:
    from pipeline.schedule.job import Job

_NAMED = {"JIANJIE_CONFIG", "JIANJIE_MODEL"}


def schedule(
    where: Annotated[
        Literal["cron", "systemd", "github"],
        typer.Argument(help="A crontab block, a systemd service and timer, a GitHub workflow."),
    ],
    *,
    config: ConfigOption = CONFIG,
    model: ModelOption = None,
    at: Annotated[
        str,
        typer.Option("--time", metavar="HH:MM", help="New York time; the feed changes at 00:00."),
    ] = "00:30",
    install: Annotated[
        bool, typer.Option("--install", help="Install it; default: print it.")
    ] = False,
) -> None:
    """Every listing night: print what starts the run, or install it."""
    from pipeline.schedule.job import Job, parse_time, program_in_use

    job = Job(
        at=parse_time(at),
        program=program_in_use(),
        config=config.absolute(),
        settings=load_settings(config, model),
        model=model or os.environ.get("JIANJIE_MODEL"),
    )
    {"cron": _cron, "systemd": _systemd, "github": _github}[where](job, install=install)
    if unseen := sorted(n for n in os.environ if n.startswith("JIANJIE_") and n not in _NAMED):
        session.say(f"set here, and not there: {', '.join(unseen)}. See config.yaml and keys.env")


def _cron(job: Job, *, install: bool) -> None:
    from pipeline.arxiv.calendar import eastern_date
    from pipeline.clock import Clock
    from pipeline.schedule import cron

    text = cron.block(job, cron.machine_zone(), eastern_date(Clock().now()))
    if not install:
        typer.echo(text, nl=False)
        return
    state = "installed" if cron.install(text) else "unchanged"
    typer.echo(f"crontab {state}; see it with: crontab -l")


def _systemd(job: Job, *, install: bool) -> None:
    from pipeline.schedule import systemd

    if not install:
        typer.echo(systemd.listing(systemd.units(job)), nl=False)
        return
    systemd.require_running()  # before anything is written
    shut_in = systemd.can_shut_in()
    systemd.install(job, systemd.units(job, shut_in=shut_in))
    if not shut_in:
        session.say("this system keeps namespaces from users: the service can read what you can")
    typer.echo(f"{systemd.folder() / systemd.TIMER} started; see: systemctl --user list-timers")
    session.say("runs while you are logged in; without a login too after: loginctl enable-linger")


def _github(job: Job, *, install: bool) -> None:
    from pipeline.schedule import github

    text = github.workflow(job, Path.cwd())
    if not install:
        typer.echo(text, nl=False)
        return
    state = "written" if github.install(text, Path.cwd()) else "unchanged"
    typer.echo(f"{github.WORKFLOW} {state}; commit and push it to the default branch")
