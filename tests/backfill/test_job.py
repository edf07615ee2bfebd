"""A whole job at the command line: digests, store and site; what dies and what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.digest.markdown import load
from pipeline.records import Cause, Done, Owed
from tests.backfill.conftest import Office, kill, open_office, wait_until, workers_of
from tests.conftest import ROOT
from tests.standins.house import one_error
from tests.standins.model import Answer, good_answer, reply, title_of
from tests.standins.model_faults import no_credit, slow, storm, when

BAD = "这一行没有句号也没有说任务"


def test_an_archive_becomes_digests_a_store_and_a_site(office: Office) -> None:
    run = office.run()
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    office.check_whole()
    assert office.calls == 100
    state = office.state()
    assert (state["announced"], state["done"], state["owed"]) == (100, 100, {})
    assert state["days"] == state["whole"]
    done = [row.outcome for row in office.rows() if isinstance(row.outcome, Done)]
    costs = [one.summary.provenance.cost or 0.0 for one in done]
    assert state["cost"] == pytest.approx(sum(costs))
    digests = sorted(office.job.digests.glob("*/audio.md"))
    assert len(digests) == state["days"]
    entries = [entry for file in digests for entry in load(file).entries]
    assert sorted(entry.versioned for entry in entries) == sorted(
        paper.versioned for paper in office.papers
    )
    assert load(digests[0]).name == "音频（重建）"
    document = json.loads(digests[0].with_suffix(".json").read_text(encoding="utf-8"))
    assert document["reconstructed"] is True
    assert document["source"] == "snapshot:arxiv.json"

    again = office.run()
    assert again.returncode == 0
    assert office.calls == 100

    put = office.house.run("backfill", "import")
    assert put.returncode == 0, put.stderr
    assert "100 new lines" in put.stdout
    day = digests[0].parent.name
    outputs = office.house.folder / "outputs"
    assert (outputs / day / "audio.md").read_bytes() == digests[0].read_bytes()
    page = (outputs / "site" / day / "audio.html").read_text(encoding="utf-8")
    assert "重建" in page
    assert office.house.run("backfill", "import").stdout.startswith(f"{len(digests)} days, 0 new")
    shown = office.house.run("show", office.papers[0].arxiv_id)
    assert shown.returncode == 0


def test_what_has_no_line_is_owed_and_done_when_it_is_asked_for(office: Office) -> None:
    hard = {paper.title for paper in office.papers[::10]}
    office.house.model.answer = when(
        lambda request: title_of(request) in hard,
        lambda _: Answer(text=reply(BAD)),
    )
    run = office.run()
    assert run.returncode == 1
    assert "10 papers of 100 owed" in one_error(run, 1)
    assert office.state()["owed"] == {Cause.RULES: 10}
    owed = [row.outcome for row in office.rows() if isinstance(row.outcome, Owed)]
    assert {one.announcement.paper.title for one in owed} == hard
    text = "".join(file.read_text("utf-8") for file in office.job.digests.glob("*/audio.md"))
    assert BAD not in text
    calls = office.calls
    assert office.run().returncode == 1
    assert office.calls == calls, "what is owed is not asked for again by itself"

    office.house.model.answer = good_answer
    assert office.run("--retry-owed").returncode == 0
    assert office.calls == calls + 10
    office.check_whole()
    text = "".join(file.read_text("utf-8") for file in office.job.digests.glob("*/audio.md"))
    assert text.count("**简介: ") == 100


def test_a_budget_holds_over_all_workers_and_the_rest_is_done_later(tmp_path: Path) -> None:
    with open_office(tmp_path, budget={"tokens": 6_000}) as office:
        run = office.run()
        assert "6,000 tokens is used up" in one_error(run, 4)
        spent = office.state()
        assert 0 < spent["tokens_in"] + spent["tokens_out"] <= 6_000
        assert spent["owed"][Cause.NOT_TRIED] + spent["done"] == 100
        before = office.calls
        office.house.settings(budget={})
        assert office.run().returncode == 0
        office.check_whole()
        assert office.calls == 100
        assert before < 100


def test_a_model_without_credit_stops_the_job_and_costs_no_paper(office: Office) -> None:
    office.house.model.answer = no_credit(after=30)
    run = office.run()
    assert "papers left" in one_error(run, 3)
    assert not any(isinstance(row.outcome, Owed) for row in office.rows())
    office.house.model.answer = good_answer
    assert office.run().returncode == 0
    office.check_whole()


def test_a_storm_of_429s_is_waited_for_by_all(office: Office) -> None:
    office.house.model.answer = storm(3, retry_after=1)
    assert office.run().returncode == 0
    office.check_whole()


def test_a_worker_that_is_killed_loses_nothing(office: Office) -> None:
    office.house.model.answer = slow(0.02)
    driver = office.start()
    wait_until(driver, lambda: office.calls > 30)
    kill(workers_of(driver.pid)[0])
    _, said = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    office.check_whole()
    assert office.calls <= 100 + 4, "more calls again than were open"


def test_a_driver_that_is_killed_takes_its_workers_along_and_is_gone_on_with(
    office: Office,
) -> None:
    office.house.model.answer = slow(0.02)
    driver = office.start()
    wait_until(driver, lambda: office.calls > 30)
    workers = workers_of(driver.pid)
    kill(driver.pid)
    driver.communicate(timeout=60)
    wait_until(None, lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert office.run().returncode == 0
    office.check_whole()
    assert office.calls <= 100 + 4


def test_two_drivers_at_once_are_one_too_many(office: Office) -> None:
    office.house.model.answer = slow(0.05)
    driver = office.start()
    wait_until(driver, lambda: office.calls > 5)
    assert "another run works here" in one_error(office.run(), 2)
    driver.communicate(timeout=120)
    assert driver.returncode == 0
    office.check_whole()


def test_damaged_files_are_made_again(office: Office) -> None:
    assert office.run().returncode == 0
    parts = sorted(office.job.parts.glob("*.parquet"))
    parts[1].write_bytes(parts[1].read_bytes()[:1000])
    shards = sorted((office.job.root / "papers").iterdir())
    whole = shards[2].read_bytes()
    shards[2].unlink()
    assert office.run().returncode == 0
    assert shards[2].read_bytes() == whole
    office.check_whole()
    assert office.calls == 100, "the replies were kept"
    shards[3].write_bytes(b"no gzip")
    sorted(office.job.parts.glob("*.parquet"))[3].unlink()
    assert "is damaged" in one_error(office.run(), 2)
    shards[3].unlink()
    assert office.run().returncode == 0
    office.check_whole()


def test_what_cannot_be_written_is_one_line(office: Office) -> None:
    office.job.root.mkdir(parents=True)
    (office.job.root / "replies").write_text("a file in the folder's place")
    assert "replies" in one_error(office.run(), 2)
    (office.job.root / "replies").unlink()
    assert office.run().returncode == 0
    office.check_whole()


def test_a_disk_that_fills_up_loses_nothing(office: Office) -> None:
    """RLIMIT_FSIZE makes every write past it fail with a real error of the system."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000));"
        "from pipeline.cli.main import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "backfill", "run", *office.arguments],
        cwd=office.house.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "cannot be written" in one_error(run, 2)
    assert office.run().returncode == 0
    office.check_whole()


def test_a_source_that_is_gone_is_not_needed_any_more(office: Office) -> None:
    office.house.model.answer = no_credit(after=30)
    assert office.run().returncode == 3
    office.snapshot.unlink()
    office.house.model.answer = good_answer
    assert office.house.run("backfill", "run", "--local", "--workers", "2").returncode == 0
    office.check_whole()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nonsense"], "is no source"),
        (["pdf-tar:."], "has PDFs and no metadata"),
        (["oai:cs.SD", "--category", "cs.XY"], "is no category"),
        (["oai:cs.SD", "--field", "video"], "no field 'video'"),
        (["oai:cs.SD", "--local", "--ray-address", "auto"], "exclude each other"),
        (["oai:cs.SD", "--download", "--ray-address", "auto"], "arXiv wants one connection"),
        (["--since", "2025-01-01"], "goes with sources"),
        (["--local"], "no job is here"),
        (["snapshot:nowhere.json"], "no such file"),
        (["oai:cs.SD", "--ray-address", "127.0.0.1:1"], "no Ray cluster is there"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    office: Office, arguments: list[str], problem: str
) -> None:
    assert problem in one_error(office.house.run("backfill", "run", *arguments), 2)


def test_another_order_in_the_same_folder_is_refused(office: Office) -> None:
    assert office.run().returncode == 0
    assert "other sources or filters" in one_error(office.run("--first"), 2)
    write = office.snapshot.read_text(encoding="utf-8").splitlines(keepends=True)
    office.snapshot.write_text("".join(write[:50]), encoding="utf-8")
    next((office.job.root / "papers").iterdir()).unlink()
    assert "other papers than when the job was planned" in one_error(office.run(), 2)


def test_a_snapshot_that_is_cut_plans_nothing(office: Office) -> None:
    content = office.snapshot.read_bytes()
    office.snapshot.write_bytes(content[:-100])
    assert "ends in the middle" in one_error(office.run(), 2)
    assert not office.job.plan_file.exists()
    office.snapshot.write_bytes(content)
    assert office.run().returncode == 0
    office.check_whole()


def test_a_dry_run_says_what_it_would_take_and_leaves_nothing(office: Office) -> None:
    run = office.house.run("backfill", "run", *office.arguments, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "100 in 5 shards" in run.stdout
    assert "from a sample of 100 papers; no model was called" in run.stdout
    assert office.calls == 0
    assert list(office.job.root.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "arguments", "problem"),
    [("pyarrow", ["--local"], "pyarrow is not installed"), ("ray", [], "Ray is not installed")],
)
def test_without_what_it_needs_it_says_what_to_install(
    office: Office, missing: str, arguments: list[str], problem: str
) -> None:
    lacking = office.house.folder / "lacking"
    lacking.mkdir()
    (lacking / f"{missing}.py").write_text("raise ImportError('not here')")
    source = f"snapshot:{office.snapshot}"
    run = office.house.run("backfill", "run", source, *arguments, PYTHONPATH=f"{lacking}:{ROOT}")
    line = one_error(run, 2)
    assert problem in line
    assert "jianjie[backfill]" in line
