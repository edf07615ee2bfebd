"""`jianjie model`, as it is typed."""

from __future__ import annotations

import json

from tests.standins.house import House, one_error


def test_what_there_is_and_what_is_here(house: House) -> None:
    told = json.loads(house.run("model", "list", "--json").stdout)
    assert [one["name"] for one in told] == ["builtin-0.5b", "builtin-1.5b"]
    assert [one["here"] for one in told] == [False, False]
    assert all(one["path"].startswith(str(house.folder / "cache")) for one in told)
    shown = house.run("model", "list").stdout
    assert "491 MB" in shown
    assert "Apache-2.0" in shown
    assert house.run("model", "remove", "builtin-0.5b").stdout == "builtin-0.5b is not here\n"


def test_mistakes_are_one_line(house: House) -> None:
    get = ("model", "get")
    assert "no model 'x'. There are: builtin-0.5b" in one_error(house.run(*get, "x"), 2)
    both = house.run(*get, "builtin-0.5b", "--from-index", "--from-file", "x.gguf")
    assert "--from-index, --from-file: exclude each other" in one_error(both, 2)
    none = house.run(*get, "builtin-0.5b", "--from-file", "x.gguf")
    assert "x.gguf: cannot be read" in one_error(none, 2)
    gone = house.run(*get, "builtin-0.5b", HF_ENDPOINT="http://127.0.0.1:1")
    assert "HF_ENDPOINT" in one_error(gone, 3)


def test_a_profile_whose_weights_are_not_here_says_how_to_get_them(house: House) -> None:
    house.settings(models={"standin": {"kind": "embedded", "weights": "builtin-0.5b"}})
    found = house.run("doctor", "--offline")
    assert "Get it: jianjie model get builtin-0.5b" in found.stdout
    house.settings(
        models={"standin": {"kind": "embedded", "weights": "builtin-0.5b", "gguf": "x.gguf"}}
    )
    assert "gguf and weights exclude each other" in one_error(house.run("run"), 2)
