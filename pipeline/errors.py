"""The error tree. Every message says what happened, where, and what to do, in one line.

What others wrote, an endpoint's words or a file's, stands in `said` alone: it is for the terminal
and the log, and never in what is published.

Foreign exceptions are translated once, at the edge where they arise::

    JianjieError
    ├── UsageError            the command line asks for something that is not there      exit 2
    │   └── LineBroken        a person's line breaks a rule, or has not its form         exit 2
    ├── ConfigError           config.yaml or an environment variable                     exit 2
    ├── PromptError           a prompt file                                              exit 2
    ├── DigestFormatError     a digest file that does not keep the format                exit 2
    ├── OutputError           the outputs folder cannot be read or written               exit 2
    │   ├── OutputsBusy       another process works on the same outputs                  exit 2
    │   └── StoreDamaged      the store's file is no database, or broken                 exit 2
    ├── ArxivError            arXiv                                                      exit 3
    │   ├── ArxivUnreachable  no connection, time-out, 5xx: a retry can help
    │   ├── ArxivThrottled    429 or arXiv's other ways of saying so: a retry can help
    │   ├── ArxivRefused      a final answer: 4xx, a request arXiv calls malformed
    │   │   └── OaiTokenExpired   a harvest goes on without it, from its last day
    │   └── ArxivMalformed    an answer that is not what was asked for (feed, API)
    ├── PdfError              one PDF: that paper is read from its abstract
    │   ├── PdfUnavailable    not there, a broken source, an HTML page instead
    │   │   ├── PdfWithdrawn  this version was withdrawn
    │   │   └── PdfNotReady   arXiv has still to make it: ask again after other papers
    │   │       └── PdfNotMade    its maker failed or took too long, which can pass
    │   ├── PdfChallenged     a captcha in the place of the file
    │   ├── PdfIncomplete     cut off on the way: a retry can help
    │   └── PdfUnreadable     empty, encrypted, damaged, no text inside
    ├── ModelError            the model's endpoint                                       exit 3
    │   ├── ModelUnreachable  no connection, time-out, 5xx: a retry can help
    │   ├── ModelThrottled    429: a retry can help
    │   ├── ModelForbidden    wrong key, no credit, unknown model: no call can succeed
    │   ├── ModelFileWrong    a source of model files has not the pinned one
    │   └── ModelRefused      a final answer to this one request
    │       ├── ContextExceeded   the prompt is too long: a shorter one may do
    │       └── FeatureMissing    the endpoint does not know a part of the request
    ├── InBatch               the prompt is in a batch: its reply comes later
    ├── BudgetReached         the run's cap on money or tokens                           exit 4
    ├── Unfinished            an evaluation that lacks answers; exits as its cause does
    ├── Mistake               jianjie's own: an exception that is none of these          exit 70
    └── Interrupted           Ctrl-C or SIGTERM                                          exit 130
"""

from __future__ import annotations

import re

EXIT_DONE, EXIT_OWED = 0, 1
_BETTER_TO_WORSE = (EXIT_DONE, EXIT_OWED, 4, 3, 2, 70, 130)


def worst(*statuses: int) -> int:
    """Of several exit statuses the one that a run ends with: what needs somebody soonest.

    The next run by itself does what is owed (1) or over the budget (4), and what was out of reach
    (3) unless an address or a key is wrong; a wrong setting or folder (2) stays until it is mended.
    """
    return max(statuses, key=_BETTER_TO_WORSE.index, default=EXIT_DONE)


def one_line(text: object) -> str:
    """`text` with all white space, line ends included, folded to single spaces.

    Half a surrogate pair, which no file can hold, is spelled out.
    """
    line = " ".join(str(text).split())
    return line if line.isascii() else line.encode(errors="backslashreplace").decode()


def counted(number: int, noun: str) -> str:
    """1 paper, 2 papers, 1,000 papers."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Without what a terminal obeys instead of showing it: control characters, and those that turn
    the direction of what follows. Line feeds and tabs stay."""
    return _OBEYED.sub("\ufffd", text)


LONGEST_SAID = 300
"""Characters that are told of what others wrote."""


class JianjieError(Exception):
    """The root: `what` happened, `where` (a file, a URL, a paper), and a `fix` to try.

    `said` is what somebody else wrote about it.
    """

    exit_status = 1
    retryable = False

    def __init__(
        self,
        what: str,
        *,
        where: object = "",
        fix: str = "",
        said: object = "",
        retry_after: float | None = None,
    ) -> None:
        self.what = one_line(what)
        self.where = one_line(where)
        self.fix = one_line(fix)
        self.said = one_line(said)[:LONGEST_SAID]
        self.retry_after = retry_after
        """Seconds that the server asked to wait; None where it did not say."""
        super().__init__(self.what, self.where, self.fix)

    def __str__(self) -> str:
        what = f"{self.what} ({self.said})" if self.said else self.what
        head = f"{self.where}: {what}" if self.where else what
        return f"{head}. {self.fix}" if self.fix else head

    @property
    def public(self) -> str:
        """What may be published: our own words, without the place."""
        return f"{self.what}. {self.fix}" if self.fix else self.what


class UsageError(JianjieError):
    """The command line names something that does not exist or cannot be."""

    exit_status = 2


class LineBroken(UsageError):
    """A line that a person wrote breaks a rule or has not its form: nothing is published."""


class ConfigError(JianjieError):
    """A setting is missing, unknown or of the wrong type."""

    exit_status = 2


class PromptError(JianjieError):
    """A prompt file is missing, has an unknown field or an undefined variable."""

    exit_status = 2


class DigestFormatError(JianjieError):
    """A digest file breaks the format at a known line (1-based)."""

    exit_status = 2

    def __init__(self, what: str, *, file: object, line: int, fix: str = "") -> None:
        self.line = line
        super().__init__(what, where=f"{file}:{line}", fix=fix)


class OutputError(JianjieError):
    """The outputs folder is full, read-only or damaged."""

    exit_status = 2


class OutputsBusy(OutputError):
    """Another process holds the lock on the outputs folder."""


class StoreDamaged(OutputError):
    """The store's file is not what SQLite wrote; it can be rebuilt."""


class ArxivError(JianjieError):
    """ArXiv did not give what was asked for."""

    exit_status = 3


class ArxivUnreachable(ArxivError):
    """No connection, a time-out or a server error; trying again can help."""

    retryable = True


class ArxivThrottled(ArxivError):
    """ArXiv asks for a slower pace."""

    retryable = True


class ArxivRefused(ArxivError):
    """A final answer: not found, forbidden, a malformed request."""


class OaiTokenExpired(ArxivRefused):
    """OAI-PMH no longer knows where the list went on: tokens are good until midnight UTC."""


class ArxivMalformed(ArxivError):
    """The answer is not a feed, or not the feed that was asked for."""


class PdfError(JianjieError):
    """One paper's PDF cannot be had or read; the paper falls back to its abstract."""


class PdfUnavailable(PdfError):
    """ArXiv has no PDF for this version, or sent something else in its place."""


class PdfWithdrawn(PdfUnavailable):
    """This version was withdrawn, for good; earlier versions keep their files."""


class PdfNotReady(PdfUnavailable):
    """Just announced or replaced: arXiv has still to make the file. Other papers come first."""


class PdfNotMade(PdfNotReady):
    """ArXiv's maker of PDFs failed or took too long: of an old paper too, it can pass."""


class PdfChallenged(PdfError):
    """ArXiv asks for a human in the place of the file, and will for the next ones too."""


class PdfIncomplete(PdfError):
    """The file ends before its end marker; fetching again can help."""

    retryable = True


class PdfUnreadable(PdfError):
    """The file is no PDF with text: empty, encrypted, damaged or a scan."""


class ModelError(JianjieError):
    """The model's endpoint did not give a reply."""

    exit_status = 3

    def __init__(
        self,
        what: str,
        *,
        where: object = "",
        fix: str = "",
        said: object = "",
        retry_after: float | None = None,
        may_cost: bool = False,
    ) -> None:
        self.may_cost = may_cost
        """Whether the model may have worked, and be paid, though no reply came."""
        super().__init__(what, where=where, fix=fix, said=said, retry_after=retry_after)


class ModelUnreachable(ModelError):
    """No connection, a time-out or a server error; trying again can help."""

    retryable = True


class ModelThrottled(ModelError):
    """The endpoint asks for a slower pace."""

    retryable = True


class ModelForbidden(ModelError):
    """Wrong key, no credit, unknown model: no call of this run can succeed."""


class ModelRefused(ModelError):
    """A final answer to this one request: the endpoint cannot take it."""


class ModelFileWrong(ModelError):
    """A source does not have a model's file, or has another one in its place."""


class ContextExceeded(ModelRefused):
    """The prompt is longer than the model can read."""


class FeatureMissing(ModelRefused):
    """The endpoint does not take `part` of the request, which can do without it."""

    def __init__(
        self, what: str, *, where: object = "", fix: str = "", said: object = "", part: str = ""
    ) -> None:
        self.part = part
        super().__init__(what, where=where, fix=fix, said=said)


class InBatch(JianjieError):
    """The prompt was put into a batch, or is out in one."""


class BudgetReached(JianjieError):
    """The next call could pass the run's cap; the papers left are owed."""

    exit_status = 4


class Unfinished(JianjieError):
    """An evaluation that lacks answers; it ends as what kept them away would."""

    def __init__(
        self,
        what: str,
        *,
        where: object = "",
        fix: str = "Run again: what came is stored and costs no call",
        cause: JianjieError | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        if cause is not None:
            self.exit_status = cause.exit_status


class Mistake(JianjieError):
    """Jianjie itself is wrong; `where` is the file that has the traceback."""

    exit_status = 70


class Interrupted(JianjieError):
    """The user or the system asked the run to stop."""

    exit_status = 130
