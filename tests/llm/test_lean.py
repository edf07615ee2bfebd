"""The openai client loads without the types that nobody asks for, and has them when they are."""

import json
import subprocess
import sys

from tests.conftest import ROOT

LOAD = "import json, sys; {}; import httpx2; c = openai.OpenAI(api_key='k', base_url='http://127.0.0.1:1/');"
NAMES = "print(json.dumps([sorted(dir(openai.types)), openai.types.Batch.__module__]))"


def told(code: str) -> object:
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(run.stdout)


def loaded(form: str) -> list[str]:
    """The modules of types after the client is there."""
    code = f"{LOAD.format(form)} print(json.dumps([m for m in sys.modules if '.types' in m]))"
    modules = told(code)
    assert isinstance(modules, list)
    return [name for name in modules if name.startswith("openai.")]


LEAN, WHOLE = "from pipeline.llm.lean import openai", "import openai"


def test_a_client_needs_few_of_its_types() -> None:
    few, all_ = loaded(LEAN), loaded(WHOLE)
    assert "openai.types.responses.response" in all_
    assert "openai.types.responses.response" not in few
    assert len(few) < len(all_) / 4


def test_what_is_taken_from_them_is_there_and_the_same() -> None:
    taken = (
        "openai.types.chat.ChatCompletion; openai.types.Batch;"
        " from openai.types.responses import Response;"
    )
    assert told(f"{LOAD.format(LEAN)} {taken} {NAMES}") == told(
        f"{LOAD.format(WHOLE)} {taken} {NAMES}"
    )


def test_what_is_not_there_is_not_made_up() -> None:
    absent = "print(json.dumps([hasattr(t, 'Nothing') for t in (openai.types, openai.types.chat)]))"
    assert told(f"{LOAD.format(LEAN)} {absent}") == [False, False]
