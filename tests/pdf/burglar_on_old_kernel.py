"""`burglar` where the kernel has neither Landlock nor seccomp."""

from __future__ import annotations

import sys
from unittest.mock import patch

from tests.pdf.burglar import break_in

with (
    patch("pipeline.pdf.confine._landlock", return_value=False),
    patch("pipeline.pdf.confine._seccomp"),
):
    break_in(int(sys.argv[1]))
