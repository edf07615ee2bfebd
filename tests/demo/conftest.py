from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from pipeline.demo.example_day import example_listing
from pipeline.demo.faults import Faults
from pipeline.demo.standin import StandInArxiv, demo_pdfs
from pipeline.records import Listing

DIGEST = Path(__file__).parents[2] / "prompts" / "examples" / "20260107-audio.md"

Serve = Callable[..., tuple[StandInArxiv, httpx.Client]]


@pytest.fixture(scope="session")
def listing() -> Listing:
    return example_listing(DIGEST)


@pytest.fixture
def serve(listing: Listing) -> Iterator[Serve]:
    """Start a stand-in with the given faults; the server and a client that talks to it."""
    with ExitStack() as stack:

        def start(**faults: object) -> tuple[StandInArxiv, httpx.Client]:
            wrong = Faults.model_validate(faults)
            standin = stack.enter_context(StandInArxiv(listing, demo_pdfs(), wrong))
            # A proxy in the environment must not come between the test and loopback.
            client = httpx.Client(base_url=standin.url, timeout=10, trust_env=False)
            return standin, stack.enter_context(client)

        yield start
