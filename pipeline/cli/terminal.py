"""The two streams of a terminal, and a progress bar while something works."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment

from pipeline.errors import printable
from pipeline.events import Event


class _Printed(Console):
    """Everything that is printed comes by here: what a terminal would obey is not passed on."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """What rich moves the cursor with is its own; all else is text, whoever wrote it."""
        for segment in super().render(renderable, options):
            own = segment.control is not None
            yield segment if own else segment._replace(text=printable(segment.text))


OUT = _Printed(highlight=False, soft_wrap=False)
ERR = _Printed(stderr=True, highlight=False, soft_wrap=True)


def bar() -> Progress:
    """A bar on a terminal, nothing elsewhere."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )


class NightProgress:
    """A bar on a terminal, nothing elsewhere; the log has every event in any case.

    `verbose`: a line on standard error for each event, wherever that goes.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._bar = bar()
        self._task = self._bar.add_task("arXiv's listing", total=None)

    def __enter__(self) -> Callable[[Event], None]:
        self._bar.start()
        return self._on

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _on(self, event: Event) -> None:
        if event.kind == "day_started":
            total = int(str(event.details["papers"]))
            self._bar.update(self._task, description=event.about, total=total, completed=0)
        elif event.kind in {"paper_done", "paper_owed"}:
            self._bar.advance(self._task)
        if self._verbose:
            told = " ".join(f"{name}={value}" for name, value in event.details.items())
            line = " ".join(part for part in (event.kind, event.about, told) if part)
            self._bar.console.print(escape(f"jianjie: {line}"), soft_wrap=True)
        elif event.kind == "warning" and ERR.is_terminal:
            about = f"{event.about}: " if event.about else ""
            self._bar.console.print(f"[yellow]{escape(about + str(event.details['text']))}[/]")


class Steps:
    """A bar for each step of long work on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._bar = bar()
        self._task = self._bar.add_task("cases", total=None)

    def __enter__(self) -> Steps:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, name: str, total: int) -> None:
        """The next step, and how many ticks it has at the most."""
        self._bar.reset(self._task, description=name, total=total)

    def tick(self) -> None:
        """One more is done."""
        self._bar.advance(self._task)

    def say(self, text: str) -> None:
        """A line on standard error, above the bar."""
        self._bar.console.print(escape(text), soft_wrap=True)
