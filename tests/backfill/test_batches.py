"""A job by the Batch API over real HTTP: a batch a shard, and nothing paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backfill.conftest import Office, open_office
from tests.standins.house import one_error
from tests.standins.model import Answer, BatchPlan, good_answer, reply, title_of
from tests.standins.model_faults import when


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, 60) as opened:
        opened.house.settings(models={"standin": by_batch(opened)})
        yield opened


def by_batch(office: Office, **changes: object) -> dict[str, object]:
    return {
        "base_url": office.house.model.url,
        "model": "standin-1",
        "replies": "json_object",
        "price_in": 1.0,
        "price_out": 2.0,
        "token_factor": 1.0,
        "batch": True,
        "batch_poll_s": 0.05,
        "batch_wait_s": 30,
        **changes,
    }


def asked(office: Office) -> int:
    return len(office.house.model.batches.asked)


def test_each_shard_is_a_batch_at_half_the_price(office: Office) -> None:
    run = office.run()
    assert (run.returncode, run.stderr) == (0, "")
    office.check_whole()
    assert asked(office) == 60
    assert office.calls == 0
    state = office.state()
    assert state["calls"] == 60
    full = (state["tokens_in"] * 1.0 + state["tokens_out"] * 2.0) / 1e6
    assert state["cost"] == pytest.approx(full / 2)
    assert office.run().returncode == 0
    assert asked(office) == 60


def test_what_a_batch_could_not_do_goes_out_again(office: Office) -> None:
    seen: set[str] = set()

    def fails_once(name: str) -> bool:
        new = name not in seen and len(seen) % 9 == 0
        seen.add(name)
        return new

    office.house.model.plan = BatchPlan(failing=fails_once)
    assert office.run().returncode == 0
    assert asked(office) > 60
    office.check_whole()


def test_batches_that_are_out_at_the_end_are_fetched_by_the_next_run(office: Office) -> None:
    office.house.settings(models={"standin": by_batch(office, batch_wait_s=0.1)})
    office.house.model.plan = BatchPlan(polls=50)
    run = office.run()
    assert "60 papers are out in batches" in one_error(run, 1)
    sent = asked(office)
    office.house.settings(models={"standin": by_batch(office)})
    assert office.run().returncode == 0
    office.check_whole()
    assert asked(office) == max(sent, 60) == 60


def test_a_refused_line_is_asked_for_again_and_then_owed(office: Office) -> None:
    hard = {paper.title for paper in office.papers[:3]}
    office.house.model.answer = when(
        lambda request: title_of(request) in hard, lambda _: Answer(text=reply("没有句号"))
    )
    assert "3 papers of 60 owed" in one_error(office.run(), 1)
    assert asked(office) == 60 + 2 * 3
    office.house.model.answer = good_answer
    assert office.run("--retry-owed").returncode == 0
    assert asked(office) == 60 + 2 * 3 + 3
    office.check_whole()
