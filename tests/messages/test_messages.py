"""Messages after a run: what they say, whom they reach, and that they never harm the run."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load_config
from pipeline.errors import ArxivUnreachable, ConfigError, JianjieError, Mistake
from pipeline.library.taste import Scored
from pipeline.messages.compose import LONGEST, Failure, Fresh, Order, compose, inert
from pipeline.messages.deliver import Letter, Parcel
from pipeline.messages.services import _refuses, send, service
from pipeline.messages.targets import addresses, deliver
from pipeline.records import (
    Announcement,
    AnnounceType,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Stage,
    Summary,
)
from pipeline.settings import InterestSettings, MessageSettings, Terms
from pipeline.store.messages import Message, Told
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import House, one_error, open_house
from tests.standins.inbox import TOKEN, Inbox
from tests.standins.model import Answer, Request, good_answer, title_of
from tests.standins.model_faults import failing, when
from tests.standins.model_server import Response
from tests.standins.records import paper, provenance
from tests.standins.settings import write_config

ONE, TWO = "JIANJIE_MESSAGE_URL", "OTHER_HOOK"
TRAILER = "https://digest.example.org/"
PLAIN = MessageSettings()
FAILURE = "HTTP 401"
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise's


# What a message says


def done(number: int, title: str = "T", line: str = "该论文属于任务。", **more: Any) -> Done:
    found = paper(arxiv_id=f"2601.{number:05d}", title=title, **more)
    summary = Summary(
        key="k", arxiv_id=found.arxiv_id, version=1, line=line, tags=(), provenance=provenance()
    )
    return Done(announcement=Announcement(announce=AnnounceType.NEW, paper=found), summary=summary)


def owed(number: int, reason: str = "HTTP 503") -> Owed:
    found = paper(arxiv_id=f"2601.{number:05d}")
    announcement = Announcement(announce=AnnounceType.REPLACE, paper=found)
    return Owed(announcement=announcement, stage=Stage.SUMMARIZE, reason=reason)


def fresh(
    *outcomes: Outcome, date: dt.date = dt.date(2026, 1, 7), told: Told | None = None
) -> Fresh:
    day = Day(
        date=date,
        field="audio",
        name="音频",
        categories=("cs.SD",),
        source="rss.arxiv.org",
        outcomes=outcomes,
    )
    return Fresh(day=day, told=told or Told())


def composed(
    *days: Fresh,
    failure: JianjieError | None = None,
    settings: MessageSettings = PLAIN,
    interests: InterestSettings | None = None,
) -> Message:
    failures = [Failure(failure)] if failure else []
    wanted = interests or InterestSettings()
    return compose(days, failures, settings, Order(lambda _: wanted), "listing", TRAILER)


def test_a_day_in_full() -> None:
    interests = InterestSettings(
        more=Terms(keywords=("扩散",)), less=Terms(authors=("Someone Dull",))
    )
    message = composed(
        fresh(
            done(1, "Dull", authors=("Someone Dull",)),
            done(2, "Plain"),
            done(3, "Best", "本文用扩散模型。"),
            owed(4),
        ),
        interests=interests,
    )
    assert message.title == "简介 音频 2026-01-07：4 篇，待补 1"
    assert message.about == "2026-01-07 audio"
    assert message.body == (
        "最新发布 3 · 更新 1 · 待补 1\n"
        "待补 2601.00004v1（summarize）：HTTP 503\n\n"
        "1. Best\n本文用扩散模型。\nhttps://arxiv.org/abs/2601.00003\n\n"
        "2. Plain\n该论文属于任务。\nhttps://arxiv.org/abs/2601.00002\n\n"
        "3. Dull\n该论文属于任务。\nhttps://arxiv.org/abs/2601.00001\n\n"
        f"全文：{TRAILER}2026-01-07/audio.html"
    )


def test_a_library_orders_the_lines_and_leaves_out_what_is_not_for_its_reader() -> None:
    def scored(value: float, *words: str) -> Scored:
        return Scored(score=value, words=words, near="")

    scores = {
        "2601.00001": scored(4.9),
        "2601.00002": scored(6.0, "codec", "@all"),
        "2601.00003": scored(9.5),
    }
    liked = InterestSettings(more=Terms(keywords=("扩散",)))
    order = Order(lambda _: liked, scores, least=5)
    day = fresh(done(1), done(2, line="本文用扩散模型。"), done(3), done(4))
    body = compose([day], [], PLAIN, order, "listing").body
    assert body.endswith(
        "1. T\n该论文属于任务。（评分 9.5）\nhttps://arxiv.org/abs/2601.00003\n\n"
        "2. T\n本文用扩散模型。（评分 6.0：codec、＠all）\nhttps://arxiv.org/abs/2601.00002\n\n"
        "3. T\n该论文属于任务。\nhttps://arxiv.org/abs/2601.00004"
    )
    quiet = compose([fresh(done(1))], [], PLAIN, order, "listing").body
    assert quiet.endswith("没有评分 5 以上的论文")


def test_what_is_muted_is_not_told() -> None:
    interests = InterestSettings(mute=Terms(keywords=("扩散",)))
    body = composed(fresh(done(1), done(2, line="本文用扩散模型。")), interests=interests).body
    assert "2601.00001" in body and "2601.00002" not in body
    assert "最新发布 2" in body  # it is counted, for it was announced


def test_what_was_told_before_is_not_told_again() -> None:
    told = Told(done=frozenset({"2601.00001v1"}), owed=frozenset({"2601.00002v1"}))
    message = composed(fresh(done(1), done(2, "Now done"), told=told))
    assert "本次新增 1" in message.body
    assert "1. Now done" in message.body
    assert "2601.00001" not in message.body


def test_owed_papers_are_grouped_by_reason() -> None:
    reasons = [owed(number) for number in range(20)]
    reasons += [owed(30 + number, f"reason {number}") for number in range(4)]
    body = composed(fresh(*reasons)).body
    assert "待补 20 篇（summarize）：HTTP 503\n" in body
    assert "待补 2 篇：其他原因" in body


def test_a_failure_without_a_day() -> None:
    error = ArxivUnreachable("no connection", where="rss.arxiv.org", fix="Try again later")
    message = composed(failure=error)
    assert (message.title, message.failure) == ("简介：运行失败", "ArxivUnreachable")
    assert message.body.startswith(
        "运行未完成：arXiv 或模型连不上\nrss.arxiv.org: no connection\n处理：Try again later"
    )


def test_fields_that_failed_are_told_apart_and_many_in_short() -> None:
    fields = [f"领域{number}" for number in range(1, 6)]
    error = ArxivUnreachable("e" * 999, where="w" * 999, fix="f" * 999)
    failures = [Failure(error, field) for field in fields] + [Failure(Mistake("wrong"))]
    wanted = InterestSettings()
    message = compose(
        [fresh(done(1))], failures, PLAIN, Order(lambda _: wanted), "listing", TRAILER
    )
    for field in fields[:3]:
        assert f"{field}未完成：arXiv 或模型连不上\nwww" in message.body
    assert "另有未完成：领域4、领域5、运行\n" in message.body
    assert "\n1. T\n" in message.body
    assert len(message.body) <= LONGEST
    assert message.failure is not None
    assert message.failure.startswith("ArxivUnreachable 领域1; ")
    assert composed(failure=Mistake("wrong")).body.startswith("运行未完成：jianjie 自身出错\nwrong")


def test_strangers_mention_nobody_and_hide_nothing() -> None:
    title = 'See @all <at user_id="all">x</at> <!channel>\n\u202eevil\u200b\x07'
    body = composed(fresh(done(1, title, "本文 @everyone"))).body
    assert '1. See ＠all ＜at user_id="all"＞x＜/at＞ ＜!channel＞ evil\n本文 ＠everyone\n' in body


def test_a_long_message_keeps_its_counts_and_its_link() -> None:
    many = [done(number, "T" * 500, "很" * 500) for number in range(99)]
    settings = PLAIN.model_copy(update={"top": 50})
    days = [
        fresh(*many, *(owed(1000 + n, f"{n} " + "r" * 300) for n in range(9)), date=date)
        for date in (dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(30))
    ]
    message = composed(*days, failure=ArxivUnreachable("e" * 999, fix="f" * 999), settings=settings)
    assert len(message.body) <= LONGEST
    assert len(message.title) < 130
    assert message.body.endswith(TRAILER)
    assert "另有 18 天" in message.body
    one = composed(days[0], settings=settings).body
    assert LONGEST - 400 < len(one) <= LONGEST


@given(st.text(), st.integers(1, 50))
def test_any_text_becomes_one_short_line(text: str, longest: int) -> None:
    line = inert(text, longest)
    assert len(line) <= longest
    assert not set("@<>\n\r\x00\u202e") & set(line)


# Settings


@pytest.fixture
def named(tmp_path: Path) -> Any:
    def named(**messages: object) -> Path:
        return write_config(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1", messages=messages)

    return named


def test_a_named_variable_may_begin_as_a_setting(named: Any, monkeypatch: Any) -> None:
    own = "JIANJIE_OWN_HOOK"
    monkeypatch.setenv(own, "json://127.0.0.1/")
    assert addresses(load_config(named(to_env=[own])).messages) == {own: "json://127.0.0.1/"}
    with pytest.raises(ConfigError, match=f"unknown setting {own}"):
        load_config(named(to_env=[TWO]))


def test_the_name_that_the_settings_suggest_may_be_set_where_it_is_not_in_use(
    named: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv(ONE, "json://127.0.0.1/")
    assert load_config(named(to_env=[])).messages.to_env == ()


def test_an_address_in_the_place_of_a_name_is_not_shown(named: Any) -> None:
    with pytest.raises(ConfigError, match=r"messages\.to_env\.0: ") as caught:
        load_config(named(to_env=[f"json://host/{TOKEN}"]))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("value", ["", "nonsense", f"feishu://{TOKEN}!!"])
def test_a_variable_without_an_address_is_an_error_that_does_not_show_it(
    value: str, monkeypatch: Any, capfd: Any
) -> None:
    monkeypatch.setenv(ONE, value)
    with pytest.raises(ConfigError) as caught:
        addresses(MessageSettings(to_env=(ONE,)))
    assert ONE in str(caught.value)
    assert not value or value not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_without_apprise_the_error_says_how_to_get_it(monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.messages.targets.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'jianjie\[messages\]'"):
        addresses(MessageSettings(to_env=(ONE,)))
    assert addresses(MessageSettings()) == {}


# Sending


def parcel(inbox: Inbox, *numbers: int) -> Parcel:
    letters = (
        Letter(message=number, title=f"标题 {number}", body="正文\n<b>") for number in numbers
    )
    return Parcel(url=inbox.address, letters=tuple(letters))


def test_letters_arrive_in_order_as_plain_text(monkeypatch: Any) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # not for this machine
    with Inbox() as inbox:
        receipts = deliver({ONE: parcel(inbox, 1, 2)}, 30)
    assert [(r.message, r.error) for r in receipts[ONE]] == [(1, ""), (2, "")]
    assert [(m["title"], m["message"]) for m in inbox.messages] == [
        ("标题 1", "正文\n<b>"),
        ("标题 2", "正文\n<b>"),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(status=500), "it answered 500"),
        (Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "it answered 302"),
        (Response(hang_up=True), "no connection"),
    ],
)
def test_what_is_not_taken_is_told_without_the_address(answer: Response, error: str) -> None:
    with Inbox(answer) as inbox:
        receipts = deliver({ONE: parcel(inbox, 1)}, 30)
    assert [(r.message, r.error) for r in receipts[ONE]] == [(1, error)]


@pytest.mark.parametrize("slow", [Response(delay_s=60), Response(body=b"x" * 9999, drip_s=0.5)])
def test_a_target_that_hangs_ends_with_the_time_and_holds_up_no_other(slow: Response) -> None:
    with Inbox(slow) as hanging, Inbox() as quick:
        start = time.monotonic()
        receipts = deliver({ONE: parcel(hanging, 1, 2), TWO: parcel(quick, 1)}, 4)
        assert time.monotonic() - start < 6
    assert [(r.message, r.error) for r in receipts[ONE]] == [(1, "no answer within 4 s")]
    assert [r.error for r in receipts[TWO]] == [""]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("feishu://12345678-abcd", "/hook/{token}/"),
        ("dingtalk://abcdefabcdef", "/robot?access_token={token}"),
        ("wecombot://12345678-abcd-1234-abcd-123456789abc", "/send?key={key}"),
    ],
)
def test_a_refusal_with_status_200_is_none_the_less_one(url: str, path: str) -> None:
    with Inbox(Response(body=b'{"errcode": 0, "code": 0}')) as inbox:
        made: Any = service(url)
        made.request_rate_per_sec = 0  # apprise waits 5.5 s between the parts of a text
        made.notify_url = inbox.url + path
        made.api_url = inbox.url + path.format(key="k", token="t")  # WeCom's
        assert send(made, "标题", "很长。" * 1000) == ""
        longest = max(len(str(body).encode()) for body in inbox.messages)
        assert "标题" in str(inbox.messages[0])
        assert not url.startswith("wecombot") or (longest < 2300 and len(inbox.asked) > 4)
        inbox.answer = Response(body=b'{"errcode": 310000, "code": 19024, "msg": "no keyword"}')
        assert send(made, "标题", "短") == "it answered 400"
    with Inbox(Response(body=b'{"code": 200}')) as other:
        assert deliver({ONE: parcel(other, 1)}, 30)[ONE][0].error == ""


def test_refusals_that_come_with_status_200_are_known() -> None:
    assert _refuses(b'{"errcode": 310000, "errmsg": "keywords not in content"}')
    for taken in (b'{"errcode": 0}', b'{"code": 0}', b"ok", b"[1]", b'{"code": "x"}', b"\xff"):
        assert not _refuses(taken)


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://user:secret@example.org?to=me@example.org",
        "feishu://12345678-abcd-token",
        "wecombot://12345678-abcd-1234-abcd-123456789abc",
        "dingtalk://abcdefabcdef",
        "slack://TXXXXXXXX/BXXXXXXXX/xxxxxxxxxxxxxxxxxxxxxxxx",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "https://example.org/",
    ],
)
def test_the_services_of_the_issue_are_known(url: str) -> None:
    made = service(url)
    assert (made is None) is url.startswith("https")
    if made is not None and url.startswith("wecombot"):
        assert "很" * made.body_maxlen <= "很" * 682  # 2,048 bytes


# Whole runs


@pytest.fixture
def house(tmp_path: Path, finished_night: Path) -> Iterator[House]:
    """The morning after a good night, of which nobody was told."""
    for part in ("outputs", "cache"):
        shutil.copytree(finished_night / part, tmp_path / part)
    with open_house(tmp_path) as opened:
        yield opened


def states(house: House) -> list[tuple[int, str, str, int, str | None]]:
    """Every delivery: message, target, state, attempts, error."""
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as db:
        return db.execute("SELECT * FROM deliveries ORDER BY message, target").fetchall()


def events(house: House, kind: str) -> list[dict[str, Any]]:
    logs = sorted((house.folder / "outputs" / "logs").glob("*.jsonl"))
    lines = [json.loads(line) for log in logs for line in log.read_text("utf-8").splitlines()]
    return [line for line in lines if line["event"] == kind]


def files_with(text: str, folder: Path) -> list[Path]:
    every = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in every if text.encode() in path.read_bytes()]


def test_a_night_is_told_once_the_most_interesting_first(house: House) -> None:
    titles = [entry["title"] for entry in house.document["papers"]]
    house.settings(
        messages={"to_env": [ONE], "top": 3},
        site={"url": TRAILER},
        interests={"more": {"keywords": [titles[20]]}, "less": {"keywords": [titles[0]]}},
    )
    with Inbox() as inbox:
        results = [house.run("run", **{ONE: inbox.address}) for _ in range(2)]
    assert [(r.returncode, r.stdout, r.stderr) for r in results] == [(0, "", "")] * 2
    (message,) = inbox.messages
    assert message["title"] == "简介 音频 2026-01-07：26 篇"
    assert message["message"].startswith(f"最新发布 20 · 更新 6\n\n1. {titles[20][:40]}")
    assert f"\n2. {titles[1][:40]}" in message["message"]
    assert message["message"].count("https://arxiv.org/abs/") == 3
    assert states(house) == [(1, ONE, "sent", 1, None)]
    assert files_with(TOKEN, house.folder) == []


def test_owed_papers_are_told_and_what_is_done_later_too(tmp_path: Path) -> None:
    with open_house(tmp_path, prompt="zero-shot") as house, Inbox() as inbox:
        house.settings(messages={"to_env": [ONE]})
        title: list[str] = []

        def refuses(request: Request) -> bool:
            title.append(title_of(request))
            return title_of(request) == title[0]

        house.model.answer = when(refuses, lambda _: Answer(text="no line at all"))
        first = house.run("run", **{ONE: inbox.address})
        again = house.run("run", **{ONE: inbox.address})
        house.model.answer = good_answer
        last = house.run("run", **{ONE: inbox.address})
    assert [r.returncode for r in (first, again, last)] == [1, 1, 0]
    assert [m["title"] for m in inbox.messages] == [
        "简介 音频 2026-01-07：26 篇，待补 1",
        "简介 音频 2026-01-07：26 篇",
    ]
    assert "（validate）" in inbox.messages[0]["message"]
    assert "本次新增 1" in inbox.messages[1]["message"]
    assert inbox.messages[1]["message"].count("https://arxiv.org/abs/") == 1


def test_a_run_whose_model_is_gone_says_what_to_do_once(tmp_path: Path) -> None:
    with open_house(tmp_path, prompt="zero-shot") as house, Inbox() as inbox:
        house.settings(messages={"to_env": [ONE]})
        house.model.answer = failing(401)
        results = [house.run("run", **{ONE: inbox.address}) for _ in range(2)]
    assert [r.returncode for r in results] == [3, 3]
    (message,) = inbox.messages
    assert message["title"] == "简介 音频 2026-01-07：26 篇，待补 26（未完成）"
    assert message["message"].startswith("运行未完成：arXiv 或模型连不上\n")
    assert FAILURE in message["message"]
    assert "处理：" in message["message"]


def test_a_run_without_arxiv_is_told(house: House) -> None:
    house.settings(
        messages={"to_env": [ONE]},
        arxiv={"feed_url": "http://127.0.0.1:1/", "list_url": "http://127.0.0.1:1/"},
    )
    with Inbox() as inbox:
        result = house.run("run", **{ONE: inbox.address})
    assert result.returncode == 3
    assert inbox.messages[0]["title"] == "简介：运行失败"


def test_a_target_that_fails_is_tried_by_the_next_run_and_the_other_is_not(house: House) -> None:
    house.settings(messages={"to_env": [ONE, TWO]})
    with Inbox() as good, Inbox(Response(status=503)) as bad:
        environment = {ONE: good.address, TWO: bad.address}
        first = house.run("run", **environment)
        told = one_error(first, 0)
        second = house.run("run", **environment)
        status = house.run("status", **environment)
        bad.answer = Response()
        third = house.run("run", **environment)
    assert told == f"jianjie: message to {TWO} not sent: it answered 503; the next run tries again"
    assert [(r.returncode, r.stderr) for r in (second, third)] == [(0, "")] * 2
    assert f"not sent to {TWO} yet: it answered 503" in status.stdout
    assert (len(good.asked), len(bad.asked)) == (1, 3)
    assert bad.messages[0] == bad.messages[2] == good.messages[0]
    assert states(house) == [(1, ONE, "sent", 1, None), (1, TWO, "sent", 3, "it answered 503")]
    assert [e["about"] for e in events(house, "message_failed")] == [TWO, TWO]
    said = "".join(r.stdout + r.stderr for r in (first, second, status, third))
    assert TOKEN not in said
    assert files_with(TOKEN, house.folder) == []


def test_a_target_that_hangs_does_not_hold_the_run(house: House) -> None:
    house.settings(messages={"to_env": [ONE], "timeout_s": 2})
    with Inbox(Response(delay_s=120)) as inbox:
        start = time.monotonic()
        error = one_error(house.run("run", **{ONE: inbox.address}), 0)
        assert time.monotonic() - start < 20
    assert "no answer within 2 s" in error


def test_an_old_message_is_given_up(house: House) -> None:
    house.settings(messages={"to_env": [ONE]})
    with Inbox(Response(status=500)) as inbox:
        house.run("run", **{ONE: inbox.address})
        with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as db, db:
            db.execute("UPDATE messages SET created = '2026-01-01T00:00:00+00:00'")
        error = one_error(house.run("run", **{ONE: inbox.address}), 0)
        house.run("run", **{ONE: inbox.address})
    assert "given up after 3 days: it answered 500" in error
    assert len(inbox.asked) == 1
    assert states(house) == [(1, ONE, "given up", 1, "it answered 500")]
    assert len(events(house, "message_given_up")) == 1


def test_a_missing_variable_is_an_error_before_anything_is_touched(tmp_path: Path) -> None:
    with open_house(tmp_path, prompt="zero-shot") as house:
        house.settings(messages={"to_env": [ONE]})
        error = one_error(house.run("run"), 2)
        assert f"{ONE} is not set" in error
        assert not (tmp_path / "outputs").exists()
        assert house.run("status").returncode == 0


@pytest.mark.parametrize("arguments", [("--limit", "1"), ("--date", "2026-01-07"), ("--dry-run",)])
def test_a_part_of_a_night_is_not_told(house: House, arguments: Sequence[str]) -> None:
    house.settings(messages={"to_env": [ONE]})
    assert house.run("run", *arguments).returncode == 0  # and no address is asked for


def test_a_wrong_command_line_is_not_told(house: House) -> None:
    house.settings(messages={"to_env": [ONE]})
    with Inbox() as inbox:
        one_error(house.run("run", "--since", "1999-01-01", **{ONE: inbox.address}), 2)
    assert inbox.asked == []


def test_doctor_looks_at_each_address_and_sends_nothing(house: House) -> None:
    house.settings(messages={"to_env": [ONE, TWO, "THIRD"]})
    with Inbox() as inbox:
        found = house.run("doctor", "--offline", **{ONE: inbox.address, TWO: f"nonsense {TOKEN}"})
    assert f"✓ message to {ONE}: JSON" in found.stdout
    assert f"✗ message to {TWO}: messages.to_env: {TWO} holds no address" in found.stdout
    assert "✗ message to THIRD" in found.stdout
    assert TOKEN not in found.stdout + found.stderr
    assert (inbox.asked, found.returncode) == ([], 2)


def test_when_nothing_was_announced_nobody_is_told(tmp_path: Path) -> None:
    quiet = Listing(date=dt.date(2026, 1, 7), field="audio", source="127.0.0.1", announcements=())
    with open_house(tmp_path, FaultyArxiv(quiet, lambda _: None)) as house, Inbox() as inbox:
        house.settings(messages={"to_env": [ONE]})
        house.run("run", **{ONE: inbox.address})
        assert events(house, "nothing_announced")
    assert inbox.asked == []


def test_only_what_is_wanted_is_told(house: House) -> None:
    house.settings(messages={"to_env": [ONE], "when": ["owed", "failed"]})
    with Inbox() as inbox:
        assert house.run("run", **{ONE: inbox.address}).returncode == 0
    assert inbox.asked == []
