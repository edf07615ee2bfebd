from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.categories import Taxonomy, taxonomy
from tests.conftest import ROOT

SCRIPT = ROOT / "scripts" / "generate_categories.py"
SMALL: dict[str, Any] = {
    "source": "definitions.py @ 0123456789",
    "note": "passed over",
    "categories": [
        {"id": "stat.TH", "name": "Statistics Theory", "oai_set": "stat:stat:TH"},
        {"id": "cs.SD", "name": "Sound", "oai_set": "cs:cs:SD", "group": "grp_cs"},
        {"id": "math.ST", "name": "Théorie <&>", "oai_set": "math:math:ST"},
    ],
    "aliases": {"stat.TH": "math.ST"},
    "legacy_inactive_categories": [{"id": "cmp-lg", "name": "Old", "canonical": "cs.CL"}],
}


def generate(source: Path, *target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(source), *map(str, target)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def write(folder: Path, source: object) -> Path:
    path = folder / "source.json"
    path.write_text(json.dumps(source), encoding="utf-8")
    return path


def test_a_source_becomes_the_packages_form(tmp_path: Path) -> None:
    target = tmp_path / "categories.json"

    answer = generate(write(tmp_path, SMALL), target)

    assert (answer.returncode, answer.stdout) == (0, f"{target}: written\n")
    assert target.read_text(encoding="utf-8") == (
        "{\n"
        ' "source": "definitions.py @ 0123456789",\n'
        ' "categories": {\n'
        '  "cs.SD": "Sound",\n'
        '  "math.ST": "Théorie <&>",\n'
        '  "stat.TH": "Statistics Theory"\n'
        " },\n"
        ' "aliases": {\n'
        '  "stat.TH": "math.ST"\n'
        " },\n"
        ' "inactive": {\n'
        '  "cmp-lg": "cs.CL"\n'
        " },\n"
        ' "oai_sets": {\n'
        '  "cs.SD": "cs:cs:SD",\n'
        '  "math.ST": "math:math:ST",\n'
        '  "stat.TH": "stat:stat:TH"\n'
        " }\n"
        "}\n"
    )
    assert Taxonomy.model_validate_json(target.read_bytes()).aliases == {"stat.TH": "math.ST"}


def test_the_order_of_the_source_does_not_matter(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    generate(write(tmp_path, SMALL), first)

    generate(write(tmp_path, {**SMALL, "categories": SMALL["categories"][::-1]}), second)

    assert first.read_bytes() == second.read_bytes()


def test_the_packages_file_is_what_the_script_would_write(tmp_path: Path) -> None:
    known = taxonomy()
    categories = [
        {"id": one, "name": name, "oai_set": known.oai_sets[one]}
        for one, name in known.categories.items()
    ]
    inactive = [{"id": one, "canonical": now} for one, now in known.inactive.items()]
    source = {
        "source": known.source,
        "categories": categories,
        "aliases": known.aliases,
        "legacy_inactive_categories": inactive,
    }
    target = tmp_path / "again.json"

    generate(write(tmp_path, source), target)

    packaged = ROOT / "pipeline" / "categories.json"
    assert target.read_bytes() == packaged.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"aliases": {"stat.TH": "math.XX"}}, "aliases without a category: math.XX"),
        ({"categories": [*SMALL["categories"], SMALL["categories"][0]]}, "an id occurs twice"),
        ({"categories": [{"id": "cs.SD", "name": "Sound"}], "aliases": {}}, "KeyError: 'oai_set'"),
        ({"categories": None}, "TypeError"),
        ({"source": 5}, "ValidationError"),
    ],
)
def test_another_form_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    target = tmp_path / "categories.json"

    answer = generate(write(tmp_path, {**SMALL, **change}), target)

    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{tmp_path / 'source.json'}: not a taxonomy: ")
    assert reason in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not target.exists()


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    answer = generate(tmp_path / "none.json", tmp_path / "categories.json")

    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{tmp_path / 'none.json'}: not a taxonomy")
