"""An adapter's card: all that is needed to make it again, and what it reached."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.records import Record
from pipeline.train.score import Against, Figure, Scores
from pipeline.train.settings import Settings

_ROWS = (
    ("valid by all hard rules, first reply", "valid", "%"),
    ("grounded", "grounded", "%"),
    ("chrF2", "chrf", ""),
    ("content-chrF", "content_chrf", ""),
    ("tags, micro F1", "tags_f1", ""),
    ("primary tag right", "primary", "%"),
    ("seconds a paper", "seconds", ""),
)


class DigestFile(Record):
    """One file that the examples come from."""

    name: str
    sha256: str


class Begun(Record):
    """The adapter that this one went on from."""

    name: str
    sha256: str
    card: Card | None
    """None: there was none beside it."""


class Card(Record):
    """Written beside the adapter, as JSON and as Markdown."""

    name: str
    adapter_sha256: str
    base: str
    base_sha256: str
    begun: Begun | None = None
    """None: from nothing."""
    jianjie: str
    """The version that made it."""
    torch: str
    device: str
    settings: Settings
    digests: tuple[DigestFile, ...]
    focus: str
    passes: int
    fields: dict[str, int]
    """Field → different papers taught, of it."""
    examples: int
    """Taught in all: a paper of the focus counts once a pass."""
    trained_ids_sha256: str
    held_out: int
    held_out_ids_sha256: str
    held_out_since: str
    """The first day of the held-out papers; every example is older."""
    left_out: dict[str, int]
    loss: float
    """At the end of the training, before a blend; the scores are the adapter's."""
    held_out_loss: float | None
    minutes: float
    """Of training, without interruptions."""
    scores: Scores | None
    against: Against | None = None
    """Another adapter that it was compared with."""
    doubtful_below: float | None = None
    """Of the lines of held-out papers one in five has a lower certainty: from there on a line is
    marked as doubtful. None: not measured."""


def markdown(card: Card) -> str:
    """The card for people."""
    fields = ", ".join(f"{name} {count:,}" for name, count in sorted(card.fields.items()))
    loss = "" if card.held_out_loss is None else f", {card.held_out_loss:.3f} on held-out papers"
    files = "\n".join(f"- `{one.name}`, SHA-256 `{one.sha256}`" for one in card.digests)
    return f"""# {card.name}

A LoRA adapter for `{card.base}` (SHA-256 `{card.base_sha256}`); its own SHA-256:
`{card.adapter_sha256}`.{_begun(card.begun)}

## Data

{files}

- taught: {card.examples:,} examples; of {card.focus}, each {card.passes} times; papers: {fields}
- ids taught: `{card.name}.trained-on.txt`, SHA-256 of the sorted ids `{card.trained_ids_sha256}`
- held out: the {card.held_out} newest papers of {card.focus}, from {card.held_out_since} on; \
SHA-256 of their sorted ids `{card.held_out_ids_sha256}`; every example is older
- left out: {_listed(card.left_out)}

## Training

- {_listed(card.settings.model_dump())}
- loss {card.loss:.3f} at the end{loss}; {card.minutes:.0f} minutes on {card.device}, \
torch {card.torch}, jianjie {card.jianjie}

## Held-out papers

{_table(card.scores)}
{_compared(card.against)}{_doubt(card.doubtful_below)}"""


def trained_on(name: str, papers: Iterable[str]) -> str:
    """The list of ids that `jianjie evaluate` looks for leaks in."""
    ids = sorted(set(papers))
    head = f"# The {len(ids):,} papers that {name}.gguf was trained on."
    return "\n".join((head, *ids)) + "\n"


def _table(scores: Scores | None) -> str:
    if scores is None:
        return "Not scored."
    rows = [
        f"{scores.papers} papers, title and abstract in, the first reply, as served by llama.cpp;"
        " 95% intervals.",
        "",
        "| | | |",
        "| --- | ---: | :---: |",
    ]
    for label, name, unit in _ROWS:
        figure: Figure = getattr(scores, name)
        rows.append(f"| {label} | {figure.value:.1f}{unit} | {figure.low:.1f}–{figure.high:.1f} |")
    return "\n".join(rows)


def _compared(other: Against | None) -> str:
    if other is None:
        return ""
    rows = [
        "",
        f"Against `{other.name}`, on the same {other.papers} papers: ours minus the other's,"
        " paired, with 95% interval; p by sign-flip permutation, corrected by Holm.",
        "",
        "| | | | p |",
        "| --- | ---: | :---: | ---: |",
    ]
    for label, name, _ in _ROWS:
        if one := other.differences.get(name):
            of = one.paired
            of_a_paper = " (a paper's)" if name == "tags_f1" else ""
            rows.append(
                f"| {label}{of_a_paper} | {of.difference:+.1f} | {of.low:+.1f} to {of.high:+.1f}"
                f" | {one.p_holm:.3f} |"
            )
    return "\n".join((*rows, ""))


def _doubt(below: float | None) -> str:
    if below is None:
        return ""
    return f"""
A line whose tokens had a geometric mean probability under {below:.3f} is marked as doubtful: one
in five of the held-out papers'.
"""


def _begun(begun: Begun | None) -> str:
    if begun is None:
        return ""
    how = " Its card is in this one's JSON." if begun.card else ""
    return f"\n\nIt went on from `{begun.name}`, SHA-256 `{begun.sha256}`.{how}"


def _listed(counts: dict[str, object] | dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in counts.items()) or "nothing"
