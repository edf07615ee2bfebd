"""The process that sends one target its letters: `python -m pipeline.messages.deliver`.

A process, so that a service that hangs can be ended, and nothing that apprise or its plugins do
or print reaches the run. It reads a Parcel and says a Receipt for each letter. The address comes
by standard input: arguments are for all to see.
"""

from __future__ import annotations

import contextlib
import io
import sys

from pipeline.messages.services import send, service
from pipeline.records import Record


class Letter(Record):
    """A message's number in the store and its text."""

    message: int
    title: str
    body: str


class Parcel(Record):
    """All that one target is to get, oldest first."""

    url: str
    letters: tuple[Letter, ...]


class Receipt(Record):
    """What became of a letter; no error: it was taken."""

    message: int
    error: str


def main() -> None:
    """Deliver the parcel on standard input."""
    parcel = Parcel.model_validate_json(sys.stdin.buffer.read())
    say = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        to = service(parcel.url)
        for letter in parcel.letters:
            error = send(to, letter.title, letter.body) if to else "apprise knows no such address"
            print(Receipt(message=letter.message, error=error).model_dump_json(), file=say)
            say.flush()


if __name__ == "__main__":
    main()
