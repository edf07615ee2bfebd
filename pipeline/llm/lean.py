"""The openai client without what nobody here asks it for: `from pipeline.llm.lean import openai`.

It imports 468 modules with types, those of graders, responses and videos among them, before it can
ask for anything: more than half of what it takes to load. Here these packages run when something is
taken from them, as its own resources do, and as importlib.util.LazyLoader would have them, but that
their modules can be imported before. Nothing is left out or changed; who imports openai itself
before has it whole.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_TYPES = "openai.types"


class _LazyPackage(ModuleType):
    """A package that runs when something is taken from it; its modules can be imported before."""

    def __init__(self, name: str, loader: Loader) -> None:
        super().__init__(name)
        self.__dict__["_loader"] = loader
        self.__dict__["_running"] = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if not name.startswith("_") and (running := own.get("_running")):
            with running:  # another thread waits until it has run; it itself may look for more
                if loader := own.pop("_loader", None):
                    loader.exec_module(self)
                    del own["_running"]
        if name in own:
            return own[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class _LazyLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LazyPackage(spec.name, self._loader)

    def exec_module(self, module: ModuleType) -> None:
        """Not yet."""


class _LazyTypes(MetaPathFinder):
    """Finds what everybody finds, and makes the packages among it lazy."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _TYPES and not fullname.startswith(f"{_TYPES}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations:
            spec.loader = _LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, _LazyTypes())

import openai  # noqa: E402

__all__ = ["openai"]
