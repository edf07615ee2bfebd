"""What of RFC 9111 is kept, for how long, and what a damaged folder comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.arxiv.httpcache import LONGEST_FRESH_S, HttpCache, Kept
from tests.standins.site import DatedClock

URL = "https://rss.arxiv.org/rss/cs.SD+eess.AS"
BODY = b"<rss>one\ntwo\n\nthree</rss>\n"
DAY = 86_400


@pytest.fixture
def clock() -> DatedClock:
    return DatedClock()


@pytest.fixture
def cache(tmp_path: Path, clock: DatedClock) -> HttpCache:
    return HttpCache(tmp_path / "http", clock)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "http").iterdir())


def kept(cache: HttpCache, headers: dict[str, str]) -> Kept | None:
    cache.put(URL, headers, BODY)
    return cache.get(URL)


def test_nothing_is_known_at_first(cache: HttpCache, tmp_path: Path) -> None:
    assert cache.get(URL) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ({"Cache-Control": "max-age=60"}, 60),
        ({"Cache-Control": "public, Max-Age=60, must-revalidate"}, 60),
        ({"Cache-Control": 'max-age="60"'}, 60),
        ({"Cache-Control": "max-age=60", "Age": "20"}, 40),
        ({"Cache-Control": "max-age=60", "Age": "60", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=60", "Age": "a minute", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=60, no-cache", "ETag": "a"}, 0),
        ({"Cache-Control": "s-maxage=60", "ETag": "a"}, 0),
        ({"Cache-Control": "stale-max-age=60", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=soon", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=²", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=-1", "ETag": "a"}, 0),
        ({"Cache-Control": "max-age=31536000"}, LONGEST_FRESH_S),
        ({"ETag": "a"}, 0),
    ],
)
def test_an_answer_is_fresh_for_as_long_as_the_server_said(
    cache: HttpCache, clock: DatedClock, headers: dict[str, str], fresh_s: int
) -> None:
    first = kept(cache, headers)
    assert first is not None
    assert first.fresh is (fresh_s > 0)
    if fresh_s:
        clock.sleep(fresh_s - 1)
        assert cache.get(URL) == first
        clock.sleep(1)

    late = cache.get(URL)

    assert late is not None
    assert (late.fresh, late.body) == (False, BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cache-Control": "no-store", "ETag": "a"},
        {"Cache-Control": "max-age=60, NO-STORE"},
        {"Cache-Control": "max-age=60", "Vary": "*"},
        {"Cache-Control": "max-age=0"},
        {"ETag": "ü"},
    ],
)
def test_what_may_not_or_cannot_be_used_again_is_not_kept(
    cache: HttpCache, headers: dict[str, str]
) -> None:
    assert kept(cache, {"ETag": "before"}) is not None

    assert kept(cache, headers) is None


def test_validators_are_given_back_as_they_came(cache: HttpCache) -> None:
    date = "Tue, 06 Jan 2026 05:00:00 GMT"

    found = kept(cache, {"ETag": "0a1b", "Last-Modified": date})

    assert found is not None
    assert found.validators == {"If-None-Match": "0a1b", "If-Modified-Since": date}


@pytest.mark.parametrize("etag", ["0a1b", '"0a1b"', 'W/"0a1b"', None])
def test_a_304_renews_what_it_is_about(
    cache: HttpCache, clock: DatedClock, etag: str | None
) -> None:
    found = kept(cache, {"ETag": "0a1b", "Cache-Control": "max-age=60"})
    assert found is not None
    clock.sleep(90)
    given = {"Cache-Control": "max-age=30"} | ({"ETag": etag} if etag else {})

    assert cache.renew(URL, found, given) is True

    again = cache.get(URL)
    assert again == found
    clock.sleep(30)
    assert cache.get(URL) == found.model_copy(update={"fresh": False})


def test_a_304_about_something_else_forgets_the_entry(cache: HttpCache) -> None:
    found = kept(cache, {"ETag": "0a1b"})
    assert found is not None

    assert cache.renew(URL, found, {"ETag": "ffff"}) is False
    assert cache.get(URL) is None


def test_a_clock_that_was_set_back_makes_nothing_fresh(cache: HttpCache, clock: DatedClock) -> None:
    kept(cache, {"Cache-Control": "max-age=60"})
    clock._time[0] -= DAY

    found = cache.get(URL)

    assert found is not None
    assert not found.fresh


def test_addresses_do_not_share_entries(cache: HttpCache, tmp_path: Path) -> None:
    for page in (1, 2):
        cache.put(f"{URL}?page={page}", {"ETag": str(page)}, b"%d</html>" % page)

    found = [cache.get(f"{URL}?page={page}") for page in (1, 2, 3)]

    assert [entry and entry.body for entry in found] == [b"1</html>", b"2</html>", None]
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "headless", "empty", "another's", "folder"])
def test_a_damaged_entry_is_no_entry_and_can_be_kept_anew(
    cache: HttpCache, tmp_path: Path, damage: str
) -> None:
    kept(cache, {"ETag": "a"})
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    if damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(
            {
                "cut": whole[:-3],
                "flipped": whole[:-3] + b"~" + whole[-2:],
                "headless": BODY,
                "empty": b"",
                "another's": whole.replace(b"cs.SD", b"cs.CL"),
            }[damage]
        )

    assert cache.get(URL) is None
    found = kept(cache, {"ETag": "b"})

    assert (found is None) is (damage == "folder")


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_nothing(
    tmp_path: Path, clock: DatedClock
) -> None:
    (tmp_path / "http").write_text("a file in the folder's place")

    assert kept(HttpCache(tmp_path / "http", clock), {"ETag": "a"}) is None


def test_entries_that_were_not_used_for_a_month_go(
    cache: HttpCache, clock: DatedClock, tmp_path: Path
) -> None:
    for day in range(40):
        cache.put(f"{URL}?day={day}", {"ETag": "a"}, BODY)
        clock.sleep(DAY)

    assert 29 <= len(files(tmp_path)) <= 31
    assert cache.get(f"{URL}?day=0") is None
    assert cache.get(f"{URL}?day=39") is not None
