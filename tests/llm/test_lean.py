"""The openai client loads without the types that nobody asks for, and has them when they are."""

import json
import subprocess
import sys

from tests.conftest import ROOT

LOAD = "import json, sys; {}; import httpx2; c = openai.OpenAI(api_key='k', base_url='http://127.0.0.1:1/');"
PACKAGES = "(openai.types, openai.types.chat, openai.types.shared, openai.types.responses)"
NAMES = f"""
names = {{p.__name__: [n for n in sorted(dir(p)) if n[0].isupper()] for p in {PACKAGES}}}
print(json.dumps([[n, repr(getattr(p, n))] for p in {PACKAGES} for n in names[p.__name__]]))
"""


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
    more = "from openai.types.responses import Response; openai.types.chat, openai.types.shared"
    lean, whole = (told(f"{LOAD.format(form)} {more}{NAMES}") for form in (LEAN, WHOLE))
    assert lean == whole
    assert isinstance(lean, list)
    assert len(lean) > 300


def test_what_is_not_there_is_not_made_up() -> None:
    absent = "print(json.dumps([hasattr(t, 'Nothing') for t in (openai.types, openai.types.chat)]))"
    assert told(f"{LOAD.format(LEAN)} {absent}") == [False, False]
