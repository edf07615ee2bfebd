from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pipeline.demo.archive import Archive
from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.records import Listing
from tests.demo.composed import WITHDRAWN, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults
from tests.standins.world import small_pdf

DIGEST = Path(__file__).parents[2] / "prompts" / "examples" / "20260107-audio.md"

Serve = Callable[..., tuple[FaultyArxiv, httpx2.Client]]


@pytest.fixture(scope="session")
def listing() -> Listing:
    return example_listing(DIGEST)


@pytest.fixture
def serve(listing: Listing) -> Iterator[Serve]:
    """Start a stand-in with the given faults; the server and a client that talks to it."""
    with ExitStack() as stack:

        def start(**faults: object) -> tuple[FaultyArxiv, httpx2.Client]:
            wrong = Faults.model_validate(faults)
            standin = stack.enter_context(FaultyArxiv(listing, demo_pdfs(), wrong))
            return standin, stack.enter_context(client_of(standin))

        yield start


@pytest.fixture
def serve_week() -> Iterator[Serve]:
    """Start a stand-in of the composed week; arguments go to its archive."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> tuple[FaultyArxiv, httpx2.Client]:
            archive = Archive(week(), withdrawn={WITHDRAWN}, **arguments)
            standin = stack.enter_context(FaultyArxiv(archive, small_pdf))
            return standin, stack.enter_context(client_of(standin))

        yield start


def client_of(standin: FaultyArxiv) -> httpx2.Client:
    # A proxy in the environment must not come between the test and loopback.
    return httpx2.Client(base_url=standin.url, timeout=10, trust_env=False)
