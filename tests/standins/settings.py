"""A config file for a test: the stand-ins in the places of arXiv and the model."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.conftest import ROOT


def write_config(folder: Path, arxiv_url: str, model_url: str, **changes: object) -> Path:
    """`folder`/config.yaml with the shipped prompts; `changes` replace top-level keys."""
    settings: dict[str, object] = {
        "fields": {"audio": {"name": "音频", "categories": ["cs.SD", "eess.AS"]}},
        "model": "standin",
        "prompt": "default",
        "models": {
            "standin": {
                "base_url": model_url,
                "model": "standin-1",
                "replies": "json_object",
                "concurrency": 4,
                "timeout_s": 10,
                "price_in": 1.0,
                "price_out": 2.0,
                "token_factor": 1.0,
            }
        },
        "arxiv": {
            "feed_url": f"{arxiv_url}/rss/",
            "api_url": f"{arxiv_url}/api/query",
            "pdf_url": f"{arxiv_url}/pdf/",
            "list_url": f"{arxiv_url}/list/",
            "catchup_url": f"{arxiv_url}/catchup/",
            "oai_url": f"{arxiv_url}/oai",
            "interval_s": 0,
            "pdf_interval_s": 0,
            "pdf_not_ready_s": 0.04,
            "timeout_s": 5,
        },
        "extract": {"workers": 1},  # two would start half a second of processor time later
        "retry": {"attempts": 3, "first_wait_s": 0.01, "longest_wait_s": 0.05, "total_s": 5},
        "paths": {
            "outputs": str(folder / "outputs"),
            "prompts": str(ROOT / "prompts"),
            "cache": str(folder / "cache"),
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings | changes, allow_unicode=True), encoding="utf-8")
    return path
