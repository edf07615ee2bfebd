"""`jianjie doctor`: real processes against a stand-in arXiv."""

from __future__ import annotations

import socket

from pipeline.demo.example_day import example_listing
from tests.standins.faults import Faults
from tests.standins.house import DAY, EXAMPLE, House
from tests.standins.model import BatchPlan
from tests.standins.model_faults import failing, unsupported


def told(house: House, *arguments: str, status: int) -> list[str]:
    result = house.run("doctor", *arguments, COLUMNS="400")
    assert result.returncode == status, result.stdout + result.stderr
    assert result.stderr == ""
    return result.stdout.splitlines()


def line(lines: list[str], about: str) -> str:
    (found,) = [one for one in lines if f" {about}: " in one]
    return found


def test_all_is_well(house: House) -> None:
    lines = told(house, status=0)
    announced = example_listing(EXAMPLE).announcements
    sound = sum("cs.SD" in item.paper.categories for item in announced)
    for source in ("feed", "list page"):
        assert line(lines, f"arXiv's {source}").endswith(f"cs.SD: {sound} papers on {DAY}")
    assert line(lines, "field audio").endswith("音频: cs.SD, eess.AS")
    assert "2601." in line(lines, "arXiv's API")
    assert "2601." in line(lines, "arXiv's OAI-PMH")
    assert "default, hash " in line(lines, "prompt")
    assert line(lines, "clock").startswith("✓")
    assert [one for one in lines if one.startswith("!")] == [line(lines, "arXiv")]  # no contact
    assert not (house.folder / "outputs" / "logs").exists()


def test_offline_asks_nobody(house: House) -> None:
    lines = told(house, "--offline", status=0)
    assert house.arxiv.requests == []
    assert not [one for one in lines if "arXiv" in one]


def test_unknown_categories_come_with_the_nearest_right_ones(house: House) -> None:
    fields = {
        "audio": {"name": "音频", "categories": ["cs.SDD", "eess.AS"]},
        "speech": {"name": "语音", "categories": ["sound"]},
    }
    house.settings(fields=fields)
    first, second = told(house, status=2)
    assert "'cs.SDD' is not an arXiv category; nearest: cs.SD" in first
    assert "'sound' is not an arXiv category; nearest: cs.SD" in second
    assert "config.yaml:" in first


def test_every_mistake_in_the_settings_is_told(house: House) -> None:
    house.settings(retry_days=-1, tags="mine", arxiv={"intervall_s": 3})
    lines = told(house, status=2)
    assert len(lines) == 3
    assert all(one.startswith("✗ settings: ") for one in lines)
    assert "unknown key 'arxiv.intervall_s'" in lines[0]


def test_an_alias_is_named_by_its_right_name(house: House) -> None:
    house.settings(fields={"control": {"name": "控制", "categories": ["cs.SY"]}})
    lines = told(house, "--offline", status=0)
    assert "! field control: cs.SY is another name of eess.SY → Write eess.SY" in lines


def test_a_key_that_is_not_set(house: House) -> None:
    profile = {"base_url": house.model.url, "model": "m", "api_key_env": "NO_SUCH_KEY"}
    house.settings(models={"standin": profile})
    lines = told(house, "--offline", status=2)
    assert (
        line(lines, "model standin")
        == "✗ model standin: NO_SUCH_KEY is not set → export NO_SUCH_KEY=…"
    )


def test_a_prompt_that_is_not_there(house: House) -> None:
    house.settings(prompt="nowhere")
    assert line(told(house, "--offline", status=2), "prompt").startswith("✗")


def test_outputs_that_cannot_be_written(house: House) -> None:
    (house.folder / "outputs").write_text("a file", encoding="utf-8")
    assert line(told(house, "--offline", status=2), "outputs").startswith("✗")


def test_what_of_arxiv_does_not_answer_is_told_apart(house: House) -> None:
    house.arxiv.faults = Faults(list_page="captcha", oai="not_xml")
    lines = told(house, status=3)
    assert line(lines, "arXiv's list page").startswith("✗")
    assert line(lines, "arXiv's OAI-PMH").startswith("✗")
    assert line(lines, "arXiv's feed").startswith("✓")
    assert line(lines, "arXiv's API").startswith("✓")


def test_arxiv_out_of_reach(house: House) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    names = ("feed_url", "api_url", "list_url", "oai_url")
    house.settings(arxiv={name: f"{url}/{name}" for name in names} | {"interval_s": 0})
    lines = told(house, status=3)
    assert sum(one.startswith("✗ arXiv's ") for one in lines) == 4


def test_an_empty_page_of_the_api_is_a_warning(house: House) -> None:
    house.arxiv.faults = Faults(api="empty_page")
    lines = told(house, status=0)
    assert line(lines, "arXiv's API").startswith("! arXiv's API: answers, but without 2601.")


def test_a_model_whose_tokens_are_only_estimated_is_told(house: House) -> None:
    house.settings(models={"standin": {"base_url": house.model.url, "model": "unheard-of"}})
    assert "unheard-of may need more; answers in" in line(
        told(house, "--offline", status=0), "model standin"
    )
    house.run("run", "--limit", "0")
    (log,) = (house.folder / "outputs" / "logs").iterdir()
    assert "tokens are counted as cl100k_base's" in log.read_text(encoding="utf-8")


def test_another_profile_than_the_settings_own(house: House) -> None:
    house.settings(
        models={
            "standin": {"base_url": house.model.url, "model": "tiny"},
            "other": {
                "base_url": house.model.url,
                "model": "huge",
                "batch": True,
                "token_factor": 1,
            },
        }
    )

    lines = told(house, "--offline", "--model", "other", status=0)
    assert "huge at" in line(lines, "model other")
    assert "has a Batch API" in line(lines, "model other")
    lines = told(house, "--model", "nobody", status=2)
    assert "There are: other, standin" in line(lines, "--model")


def test_what_a_call_finds_out_is_told_and_remembered(house: House) -> None:
    house.settings(models={"standin": {"base_url": house.model.url, "model": "tiny"}})
    house.model.answer = unsupported("json_schema", "max_tokens", "temperature")

    said = line(told(house, "--offline", status=0), "model standin")
    assert "replies as json_object, max_completion_tokens, no temperature" in said

    house.model.requests.clear()
    house.run("run", "--limit", "1")
    assert len(house.model.requests) == 1  # nothing is found out twice


def test_a_model_that_does_not_answer_is_an_error(house: House) -> None:
    house.model.answer = failing(503)

    said = line(told(house, "--offline", status=3), "model standin")
    assert said.startswith("✗")
    assert "HTTP 503" in said


def test_an_endpoint_without_the_batch_api_that_the_profile_wants(house: House) -> None:
    profile = {"base_url": house.model.url, "model": "tiny", "batch": True, "replies": "text"}
    house.settings(models={"standin": profile})
    house.model.plan = BatchPlan(offered=False)

    assert "Set batch: false" in line(told(house, "--offline", status=3), "model standin")
