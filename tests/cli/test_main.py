"""The command line as a user meets it: real processes, real servers on loopback."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys

import pytest

from pipeline.demo.archive import Archive
from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.digest.markdown import load, render
from tests.conftest import ROOT
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults, PdfFault
from tests.standins.house import DAY, EXAMPLE, PAPERS, House, one_error
from tests.standins.model import Answer, Request, good_answer, good_line, reply, title_of
from tests.standins.settings import write_config

PAPER = "2601.02954v1"


# A night


def test_a_night_publishes_every_paper_and_is_quiet_under_cron(house: House) -> None:
    result = house.run("run")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    digest = load(house.digest)
    assert (len(digest.new), len(digest.replaced)) == (20, 6)
    assert all(entry.line == good_line(entry.title) for entry in digest.entries)
    assert render(digest).encode() == house.digest.read_bytes()
    assert len(house.model.requests) == house.pdfs_asked() == PAPERS
    for request in house.model.requests:
        system, user = (message["content"] for message in request["messages"])
        assert title_of(request) not in system  # no example of the paper in hand
        assert user.count("<paper>") == user.count("</paper>") == 1


def test_entries_have_arxivs_own_metadata_in_arxivs_order(finished: House) -> None:
    human = {entry.versioned: entry for entry in load(EXAMPLE).entries}
    for entry in load(finished.digest).entries:
        assert entry.tags == human[entry.versioned].tags
        assert entry.authors == human[entry.versioned].authors
        assert entry.comment == human[entry.versioned].comment
        assert entry.abstract == human[entry.versioned].abstract
    order = [item.paper.versioned for item in example_listing(EXAMPLE).announcements]
    assert [entry.versioned for entry in load(finished.digest).entries] == order


def test_the_json_accounts_for_everything_and_says_where_lines_come_from(finished: House) -> None:
    account = finished.document["ledger"]
    assert account["announced"] == account["done"] + account["owed"] == PAPERS
    made = finished.paper(PAPER)["provenance"]
    assert made["text_source"] == "pdf"
    assert (made["pages"], made["pages_read"], made["language"]) == (1, 1, "en")
    assert (made["model"], made["prompt"], made["tries"]) == ("standin-1", "default", 1)
    assert made["tokens_in"] > 0
    cost = (made["tokens_in"] * 1.0 + made["tokens_out"] * 2.0) / 1e6
    assert made["cost"] == pytest.approx(cost, abs=1e-6)


def test_a_finished_day_costs_one_request_and_changes_no_file(finished: House) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.digest.parent.iterdir()}
    asked, called = len(finished.arxiv.requests), len(finished.model.requests)
    result = finished.run("run")
    assert result.returncode == 0
    assert len(finished.arxiv.requests) == asked + 1
    assert len(finished.model.requests) == called
    assert {p: p.stat().st_mtime_ns for p in finished.digest.parent.iterdir()} == before


def test_limit_owes_the_rest_and_the_next_run_does_it(house: House) -> None:
    result = house.run("run", "--limit", "3")
    assert "26 announced = 3 done + 23 owed" in one_error(result, 1)
    assert len(house.model.requests) == 3
    assert sum(entry.line is None for entry in load(house.digest).entries) == 23
    assert house.run("run", "--date", DAY).returncode == 0
    assert len(house.model.requests) == PAPERS


def test_dry_run_calls_no_model_and_stores_nothing(house: House) -> None:
    result = house.run("run", "--dry-run")
    assert result.returncode == 0
    assert "26" in result.stdout
    assert "at most" in result.stdout
    assert house.model.requests == []
    assert house.pdfs_asked() == 0
    assert not house.digest.exists()


def test_events_go_to_the_log_as_json_lines(finished: House) -> None:
    (log,) = (finished.folder / "outputs" / "logs").iterdir()
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_ended"
    assert kinds.count("paper_done") == PAPERS


def test_a_key_never_reaches_a_file_or_the_terminal(house: House) -> None:
    secret = "sk-very-secret-0123456789"
    profile = {
        "base_url": house.model.url,
        "model": "standin-1",
        "api_key_env": "STANDIN_API_KEY",
        "concurrency": 2,
    }
    house.settings(models={"standin": profile})
    house.model.answer = lambda request: Answer(
        text=f"Incorrect API key provided: {secret}", status=401
    )
    result = house.run("run", STANDIN_API_KEY=secret)
    assert result.returncode == 3
    assert house.model.headers[0]["authorization"] == f"Bearer {secret}"
    assert secret not in result.stdout + result.stderr
    for file in (house.folder / "outputs").rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


# One paper


def test_reprocess_patches_one_line_and_no_other_byte(finished: House) -> None:
    before = finished.digest.read_text(encoding="utf-8").split("\n")
    old = good_line(finished.paper(PAPER)["title"])
    new = old.replace("一种新的方法", "另一种更好的方法")
    finished.model.answer = lambda request: Answer(text=f"分类: cs.SD\n简介: {new}")
    result = finished.run("reprocess", "2601.02954")
    assert result.returncode == 0, result.stderr
    shown = "".join(result.stdout.split()).replace("│", "")
    assert old in shown
    assert new in shown
    after = finished.digest.read_text(encoding="utf-8").split("\n")
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert changed == [(f"- **简介: {old}**", f"- **简介: {new}**")]
    assert finished.paper(PAPER)["line"] == new
    assert finished.paper(PAPER)["model_tags"] == ["cs.SD"]


@pytest.mark.parametrize(
    "form",
    [
        "2601.02954v1",
        "arXiv:2601.02954",
        "https://arxiv.org/abs/2601.02954v1",
        "https://arxiv.org/pdf/2601.02954.pdf",
        "http://export.arxiv.org/abs/2601.02954?context=cs",
    ],
)
def test_reprocess_takes_every_form_of_an_id(house: House, form: str) -> None:
    result = house.run("reprocess", form)
    assert result.returncode == 0, result.stderr
    assert "2601.02954v1" in result.stdout
    assert len(house.model.requests) == 1


def test_reprocess_keeps_a_hand_edited_digest_as_it_is(finished: House) -> None:
    edited = finished.digest.read_text(encoding="utf-8").replace("MOSI. AI", "MOSI.AI")
    finished.digest.write_text(edited, encoding="utf-8")
    finished.model.answer = lambda r: Answer(text=f"分类: cs.SD\n简介: {good_line('another')}")
    assert finished.run("reprocess", PAPER).returncode == 0
    old = good_line(finished.paper(PAPER)["title"])
    assert finished.digest.read_text(encoding="utf-8") == edited.replace(old, good_line("another"))


def test_reprocess_can_be_undone(finished: House) -> None:
    before = finished.digest.read_bytes()
    finished.model.answer = lambda r: Answer(text=f"分类: cs.SD\n简介: {good_line('another')}")
    finished.run("reprocess", PAPER)
    assert finished.digest.read_bytes() != before
    assert finished.run("reprocess", PAPER, "--undo").returncode == 0
    assert finished.digest.read_bytes() == before
    assert "no earlier" in one_error(finished.run("reprocess", PAPER, "--undo"), 2)


def test_a_failed_reprocess_keeps_the_old_line(finished: House) -> None:
    before = finished.digest.read_bytes()
    finished.model.answer = lambda r: Answer(text="This paper is about speech.")
    result = finished.run("reprocess", PAPER)
    assert result.returncode == 1
    assert "the old one stays" in result.stderr
    assert finished.digest.read_bytes() == before


def test_reprocess_with_arxiv_down_uses_what_is_stored(finished: House) -> None:
    finished.arxiv.faults = Faults(api="server_error")
    finished.model.answer = lambda r: Answer(text=f"分类: cs.SD\n简介: {good_line('another')}")
    assert finished.run("reprocess", PAPER).returncode == 0
    assert finished.paper(PAPER)["line"] == good_line("another")


def test_reprocess_of_an_unknown_paper(house: House) -> None:
    assert "does not know" in one_error(house.run("reprocess", "2601.99999"), 2)
    assert "not an arXiv id" in one_error(house.run("reprocess", "hello"), 2)
    assert house.model.requests == []


def test_one_bad_id_does_not_keep_the_others_from_being_done(finished: House) -> None:
    line = good_line("another")
    finished.model.answer = lambda r: Answer(text=f"分类: cs.SD\n简介: {line}")
    result = finished.run("reprocess", "2601.99999", PAPER)
    assert "does not know" in one_error(result, 2)
    assert finished.paper(PAPER)["line"] == line


def test_a_night_without_news_tries_what_is_owed_and_tells_a_model_that_is_gone(
    house: House,
) -> None:
    house.run("run", "--limit", "20")
    saturday = dt.datetime(2026, 1, 10, 6, tzinfo=dt.UTC)
    archive = Archive([example_listing(EXAMPLE)], now=lambda: saturday)
    house.model.answer = lambda request: Answer(text="no such model", status=404)
    with FaultyArxiv(archive, demo_pdfs()) as arxiv:
        write_config(house.folder, arxiv.url, house.model.url, catch_up_days=0)
        result = house.run("run")
        assert result.returncode == 3
        assert result.stderr.splitlines()[-1].startswith(
            "jianjie: standin-1 at 127.0.0.1: HTTP 404"
        )
        assert house.document["ledger"]["owed"] == PAPERS - 20
        house.model.answer = good_answer
        assert house.run("run").returncode == 0
    assert house.document["ledger"]["done"] == PAPERS


def test_show_status_and_render(house: House) -> None:
    house.run("run", "--limit", "25")
    shown = house.run("show", "arXiv:2601.02954").stdout
    assert "●" in shown
    assert "standin-1" in shown
    status = house.run("status").stdout
    assert "待补" in status
    wanted = house.digest.read_bytes()
    house.digest.write_bytes(b"broken")
    assert "written" in house.run("render", "--date", DAY).stdout
    assert house.digest.read_bytes() == wanted
    assert "unchanged" in house.run("render").stdout


# Bad input: one clear line, the other papers go on, nothing stored is lost


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (Faults(feed="not_xml"), "not a feed"),
        (Faults(feed="truncated_xml"), "not a feed"),
        (Faults(feed="server_error"), "503"),
        (Faults(feed="error_feed"), "cannot serve this feed"),
    ],
)
def test_a_bad_feed(house: House, faults: Faults, said: str) -> None:
    house.arxiv.faults = faults
    error = one_error(house.run("run"), 3)
    assert said in error
    assert house.arxiv.url in error
    house.arxiv.faults = Faults()
    assert house.run("run").returncode == 0


def test_an_api_answer_without_one_of_the_ids(house: House) -> None:
    house.arxiv.faults = Faults(api_missing=frozenset({"2601.02954"}))
    assert house.run("run").returncode == 0
    entry = house.paper(PAPER)
    assert (entry["metadata"], entry["missing"]) == ("oai", [])
    assert entry["authors"] == ["Yuhuan You", "Lai Wei", "Xihong Wu", "Tianshu Qu"]
    assert entry["line"] == good_line(entry["title"])


BAD_PDFS: dict[str, tuple[PdfFault, str]] = {
    "2601.02954v1": ("html", "download: arXiv has not made the PDF yet"),
    "2601.02444v1": ("captcha", "download: arXiv asks for a human (a captcha)"),
    "2601.03065v1": ("empty", "download: the PDF is empty"),
    "2601.03170v1": ("truncated", "download: the PDF is cut off"),
    "2601.02776v1": ("no_source", "download: arXiv has not made the PDF yet"),
    "2601.02586v1": ("withdrawn", "download: this version was withdrawn"),
    "2601.02455v1": ("server_error", "download: arXiv's maker of PDFs failed or took too long"),
    "2601.02731v1": ("encrypted", "extract: cannot be read (encrypted)"),
    "2601.02432v1": ("disconnect", "download: no connection"),
}


def test_a_bad_pdf_costs_one_paper_its_full_text_and_nothing_else(house: House) -> None:
    house.arxiv.faults = Faults(pdf={paper: fault for paper, (fault, _) in BAD_PDFS.items()})
    assert house.run("run").returncode == 0
    for paper, (_, reason) in BAD_PDFS.items():
        made = house.paper(paper)["provenance"]
        assert made["text_source"] == "abstract"
        assert made["fallback"].startswith(reason)
    account = house.document["ledger"]
    assert (account["done"], account["from_pdf"]) == (PAPERS, PAPERS - len(BAD_PDFS))


BAD_REPLIES = {
    "2601.02954v1": ("", "reply_form: the reply is empty"),
    "2601.02444v1": ("This paper is about speech.", "reply_form: the reply has no 分类"),
    "2601.03065v1": ('{"分类": ["cs.SD"]}', "reply_form: JSON key '简介'"),
    "2601.03170v1": (reply("This paper proposes a method for speech."), "mostly_chinese"),
    "2601.02776v1": (
        reply(good_line("x"), "cs.SDD"),
        "1 word that is not among arXiv's categories",
    ),
    "2601.02586v1": ('{"分类": ["cs.SD"], "简介": "该论文', "not whole JSON"),
}


def test_a_bad_reply_is_never_published_and_tried_again_the_next_night(house: House) -> None:
    titles = {entry.title: entry.versioned for entry in load(EXAMPLE).entries}

    def answer(request: Request) -> Answer:
        paper = titles[title_of(request)]
        return Answer(text=BAD_REPLIES[paper][0]) if paper in BAD_REPLIES else good_answer(request)

    house.model.answer = answer
    result = house.run("run")
    bad, good = len(BAD_REPLIES), PAPERS - len(BAD_REPLIES)
    assert f"26 announced = {good} done + {bad} owed" in one_error(result, 1)
    assert len(house.model.requests) == good + 3 * bad
    for paper, (_, reason) in BAD_REPLIES.items():
        entry = house.paper(paper)
        assert entry["line"] is None
        assert entry["owed"]["stage"] == "validate"
        assert reason in entry["owed"]["reason"]
    house.model.answer = good_answer
    assert house.run("run").returncode == 0
    assert len(house.model.requests) == good + 3 * bad + bad
    assert all(entry.line == good_line(entry.title) for entry in load(house.digest).entries)


def test_reasons_are_told_to_the_model(house: House) -> None:
    house.model.answer = lambda request: (
        Answer(text="Sorry") if len(request["messages"]) == 2 else good_answer(request)
    )
    assert house.run("run", "--limit", "1").returncode == 1  # 25 papers beyond the limit are owed
    first, second = house.model.requests
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][2] == {"role": "assistant", "content": "Sorry"}
    assert "reply_form" in second["messages"][3]["content"]
    assert house.document["ledger"]["done"] == 1


def test_a_model_that_is_gone_stops_the_calls_and_owes_the_rest(house: House) -> None:
    house.model.answer = lambda request: Answer(text="overloaded", status=500)
    result = house.run("run")
    assert result.returncode == 3
    assert "HTTP 500" in result.stderr
    assert "Traceback" not in result.stderr
    assert house.document["ledger"]["owed"] == PAPERS
    assert len(house.model.requests) <= 3 * (3 + 4)  # tries x (outage + calls on their way)
    house.model.answer = good_answer
    assert house.run("run").returncode == 0


def test_a_budget_is_never_passed(house: House) -> None:
    house.settings(budget={"tokens": 20_000, "money": None})
    result = house.run("run")
    assert result.returncode == 4
    assert "budget of 20,000 tokens" in result.stderr
    lines = [p["provenance"] for p in house.document["papers"] if p["line"]]
    assert 0 < len(lines) < PAPERS
    assert sum(made["tokens_in"] + made["tokens_out"] for made in lines) <= 20_000


def test_a_money_budget_needs_prices(house: House) -> None:
    profile = {"base_url": house.model.url, "model": "standin-1"}
    house.settings(models={"standin": profile}, budget={"money": 1.0})
    assert "price_in" in one_error(house.run("run"), 2)


def test_a_config_with_a_wrong_type(house: House) -> None:
    house.settings(arxiv={"interval_s": "often"})
    error = one_error(house.run("run"), 2)
    assert "arxiv.interval_s" in error
    assert "config.yaml:" in error


def test_a_missing_key_variable(house: House) -> None:
    profile = {"base_url": house.model.url, "model": "m", "api_key_env": "STANDIN_API_KEY"}
    house.settings(models={"standin": profile})
    assert "STANDIN_API_KEY is not set" in one_error(house.run("run"), 2)


def test_an_undefined_prompt_variable_is_found_before_any_request(house: House) -> None:
    prompts = house.folder / "prompts"
    prompts.mkdir()
    text = (ROOT / "prompts" / "builtin.md").read_text(encoding="utf-8")
    (prompts / "mine.md").write_text(text.replace("{{ text }}", "{{ txet }}"), encoding="utf-8")
    house.settings(paths={"outputs": "outputs", "cache": "cache", "prompts": "prompts"})
    error = one_error(house.run("run", "--prompt", "mine"), 2)
    assert "undefined variable 'txet'" in error
    assert f"{prompts / 'mine.md'}:14" in error
    assert house.arxiv.requests == []


def test_outputs_that_cannot_be_written(house: House) -> None:
    (house.folder / "file").write_text("")
    house.settings(paths={"outputs": "file/outputs", "prompts": str(ROOT / "prompts")})
    error = one_error(house.run("run"), 2)
    assert "cannot be written" in error
    assert house.model.requests == []


def test_a_disk_that_fills_up_loses_nothing_stored(house: House) -> None:
    """RLIMIT_FSIZE makes every write past it fail with a real error of the system."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
        "from pipeline.cli.main import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, "run"],
        cwd=house.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    error = one_error(result, 2)
    assert "quota" in error  # SQLite knows of a write that failed, not that a limit did it
    done = house.run("status")
    assert done.returncode == 0
    paid = len(house.model.requests)
    assert house.run("run").returncode == 0
    stored = PAPERS - (len(house.model.requests) - paid)
    assert stored > 0
    assert house.document["ledger"]["done"] == PAPERS


def test_a_second_run_on_the_same_outputs_says_who_holds_them(house: House) -> None:
    answers: list[subprocess.CompletedProcess[str]] = []

    def answer(request: Request) -> Answer:
        if not answers:
            answers.append(house.run("run"))
        return good_answer(request)

    house.model.answer = answer
    assert house.run("run", "--limit", "1").returncode == 1
    error = one_error(answers[0], 2)
    assert "another run works here" in error
    assert "run --limit 1" in error


def test_render_waits_for_no_running_night_and_touches_nothing(house: House) -> None:
    answers: list[subprocess.CompletedProcess[str]] = []
    site = house.folder / "outputs" / "site"

    def answer(request: Request) -> Answer:
        if not answers:
            answers.append(house.run("render"))
            assert not site.exists()
        return good_answer(request)

    house.model.answer = answer
    assert house.run("run", "--limit", "1").returncode == 1
    error = one_error(answers[0], 2)
    assert "another run works here: `jianjie" in error
    assert "run --limit 1" in error
    assert house.run("render").returncode == 0


@pytest.mark.parametrize(
    "command", ["run", "reprocess", "show", "status", "render", "restore", "demo"]
)
def test_help_has_examples(house: House, command: str) -> None:
    result = house.run(command, "--help")
    assert result.returncode == 0
    assert f"jianjie {command}" in result.stdout
    assert "Example" in result.stdout
