"""Read first: which of the site's files are made anew.

    store ─► days that changed ─► pages, papers, months of the search, feeds ─► index

A paper that was done by itself and is in no day has its page too, made anew when its line is newer.
A day is made anew when its published JSON is newer than its page, and so are its neighbours, which
link to it. With other templates or settings everything is. A file is only written where its bytes
differ; none is needed to make another. A killed run is finished by the next: a day's page is
written when all else that shows the day is there, and the index, by its age, after that. How they
are made is build.py.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from pipeline import __version__
from pipeline.config import Config
from pipeline.files import page_of_paper, write_atomic
from pipeline.library.recent import Scores
from pipeline.store.days import Key
from pipeline.store.store import Store

_MADE_WITH = ".made-with"
_HERE = Path(__file__).parent


def update(
    store: Store,
    config: Config,
    *,
    everything: bool = False,
    news: bool = False,
    papers: Collection[str] = (),
    scores: Callable[[], Scores] = dict,
) -> int:
    """Bring `outputs/site/` up to date; how many files were written. Raises OutputError.

    `news`: the index has something to tell even if no day changed. `papers`: ids of those whose
    line or version may be another one in no day's listing. `scores` are the reader's library's.
    Where nothing is to be done no template is loaded and nothing is scored.
    """
    folder = config.paths.outputs / "site"
    made_with = _made_with(config)
    keys, unlisted = store.days.known(), store.summaries.unlisted()
    changed, stale = set(keys), list[Key]()
    if everything or _read(folder / _MADE_WITH) != made_with:
        anew = {arxiv_id for arxiv_id, _ in unlisted}
    else:
        stale = list(_stale(folder, config.paths.outputs, keys))
        changed = _with_neighbours(stale, keys)
        anew = {arxiv_id for arxiv_id, made in unlisted if _is_older(folder, arxiv_id, made)}
        if not (stale or anew or papers or news or _index_is_older(folder, keys)):
            return 0
    from pipeline.site.build import build  # heavy, and rarely needed twice a day
    from pipeline.site.pages import Site

    anew |= set(papers)
    site = Site(store, config, keys, scores())
    written = build(site, changed=changed, last=stale, papers=anew)
    # The last one: what a killed run left out is made by the next.
    return written + write_atomic(folder / _MADE_WITH, made_with.encode(), durable=False)


def warm_up() -> None:
    """Load what `update` will need."""
    from pipeline.site.pages import load_templates

    load_templates()


def _stale(folder: Path, outputs: Path, keys: Sequence[Key]) -> Iterator[Key]:
    """Days whose JSON is newer than their page, or that have none."""
    for date, field in keys:
        published = outputs / date.isoformat() / f"{field}.json"
        if _modified(_page(folder, (date, field))) < _modified(published):
            yield date, field


def _with_neighbours(stale: Sequence[Key], keys: Sequence[Key]) -> set[Key]:
    """With the days that link to them."""
    changed: set[Key] = set()
    for field in {field for _, field in stale}:
        own = [key for key in keys if key[1] == field]
        for at, key in enumerate(own):
            if key in stale:
                changed.update(own[max(0, at - 1) : at + 2])
    return changed


def _index_is_older(folder: Path, keys: Sequence[Key]) -> bool:
    """Than a day's page, which is written before it."""
    index = _modified(folder / "index.html")
    return any(index < _modified(_page(folder, key)) for key in keys)


def _page(folder: Path, key: Key) -> Path:
    date, field = key
    return folder / date.isoformat() / f"{field}.html"


def _is_older(folder: Path, arxiv_id: str, made: dt.datetime) -> bool:
    """Whether a paper's page is not there, or was made before the paper's line."""
    return _modified(folder / page_of_paper(arxiv_id)) < made.timestamp() * 1e9


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def _made_with(config: Config) -> str:
    """What all pages depend on: the program's own files, and settings that they show."""
    digest = hashlib.sha256(__version__.encode())
    files = (path for path in _HERE.rglob("*") if path.suffix in {".py", ".jinja", ".js", ".css"})
    for path in sorted(files):
        digest.update(path.read_bytes())
    shown = [config.interests, config.library, config.site, *config.fields.values()]
    for text in (*(settings.model_dump_json() for settings in shown), config.tags):
        digest.update(text.encode())
    return digest.hexdigest()
