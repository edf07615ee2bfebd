"""The command `edit`: a line by a person, in an editor or from the command line."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, load_settings
from pipeline.errors import LineBroken, UsageError, one_line, printable

if TYPE_CHECKING:
    from pipeline.night.edit import Desk
    from pipeline.night.reprocess import Again
    from pipeline.records import Draft, Paper, Summary

_LONGEST = 10_000
"""Characters of what comes out of an editor."""
_HELP = "以 # 开头的行不算。不存盘就退出，什么都不改。"


def edit(
    paper: Annotated[str, typer.Argument(help="An arXiv id, or the paper's address.")],
    *,
    line: Annotated[
        str | None, typer.Option(help="The 简介 line. Without it an editor opens.")
    ] = None,
    tags: Annotated[
        str | None, typer.Option(help='The 分类 tags, like "cs.SD; eess.AS". Default: as they are.')
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Publish the line before the present one again.")
    ] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Write a paper's line yourself.

    It is held against the same rules, published in place, and no model's takes its place. Your name
    is edited_by of the settings; the editor is that of VISUAL or EDITOR.
    """
    from pipeline.app import pdf_cache
    from pipeline.arxiv.ids import parse_id
    from pipeline.cli.tables import print_again
    from pipeline.night.edit import Desk
    from pipeline.night.reprocess import published_again, stored_paper

    if undo and (line or tags):
        raise UsageError("goes alone", where="--undo", fix="Leave --line and --tags out")
    settings = load_settings(config)
    with session.outputs(settings) as store:
        found = stored_paper(store, parse_id(paper))
        if undo:
            old = store.summaries.published(found.arxiv_id, found.version)
            new = store.summaries.undo(found.arxiv_id, found.version)
            again: Again | None = published_again(store, settings, found, old, new)
        else:
            desk = Desk(store, settings, found, pdf_cache(settings))
            again = _written(desk, found, line, tags)
    if again is None:
        session.say("nothing was saved: all stays as it is")
        return
    print_again(again)
    with session.reading(settings, again=True) as store:
        session.update_site(store, settings, papers=[found.arxiv_id])


def _written(desk: Desk, paper: Paper, line: str | None, tags: str | None) -> Again | None:
    """Published; None where the editor was left without saving. Raises LineBroken, UsageError."""
    from pipeline.clock import Clock

    if line is not None or tags is not None:
        draft = _draft(f"分类: {tags or _tags(paper, desk.old)}\n简介: {line or _line(desk.old)}")
        return desk.publish(draft, Clock().now())
    text, problem = _form(paper, desk), ""
    while True:
        typed = _in_editor(text, problem)
        if typed is None:
            return None
        try:
            return desk.publish(_draft(typed), Clock().now())
        except LineBroken as error:
            if typed == text:
                raise  # the same again: whoever edits has no better idea, or is a program
            text, problem = typed, error.what


def _draft(text: str) -> Draft:
    from pipeline.text.reply import ReplyMalformed, parse_reply

    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    try:
        return parse_reply(kept[:_LONGEST])
    except ReplyMalformed as error:
        raise LineBroken(
            f"has not both: {error}", where="the line", fix="Keep 分类: … and 简介: …"
        ) from error


def _form(paper: Paper, desk: Desk) -> str:
    """What the editor opens with."""
    old, earlier = desk.old, desk.earlier
    abstract = textwrap.wrap(one_line(paper.abstract), 98)
    about = [f"{paper.versioned} {one_line(paper.title)}", _HELP]
    if earlier is not None and old is not None and old.provenance.by is None:
        about += [f"v{earlier.version} 的简介由 {earlier.provenance.by} 写成：", earlier.line]
    about.append("")
    lines = [*(f"# {text}".rstrip() for text in about)]
    lines += [f"分类: {_tags(paper, old)}", f"简介: {_line(old)}", ""]
    return printable("\n".join([*lines, *(f"# {text}" for text in abstract)]) + "\n")


def _tags(paper: Paper, old: Summary | None) -> str:
    return "; ".join(old.tags if old else paper.categories)


def _line(old: Summary | None) -> str:
    return old.line if old else ""


def _in_editor(text: str, problem: str) -> str | None:
    """What was saved, without what was told; None where nothing was."""
    import click

    told = f"# 没有通过：{problem}\n" if problem else ""
    try:
        typed = click.edit(told + text, extension=".md")
    except click.ClickException as error:
        raise UsageError(
            f"the editor cannot be used: {one_line(error.message)[:200]}",
            where="EDITOR",
            fix="Set VISUAL or EDITOR, or give --line",
        ) from error
    return None if typed is None else typed.removeprefix(told)
