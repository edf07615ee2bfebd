"""The openai client without what nobody here asks it for: `from pipeline.llm.lean import openai`.

It imports 468 modules with types, those of graders, responses and videos among them, before it can
ask for anything: two thirds of what it takes to load. Its packages of types, and `lib`, say
where each name is from and do nothing else; here a name is looked up when it is taken, as its own
resources do with theirs. Nothing is left out or changed; who imports openai itself before has it
whole.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_LAZY = ("openai.types", "openai.lib")


class _LazyPackage(ModuleType):
    """A package whose `from .module import Name` happens when the name is taken."""

    def __init__(self, name: str, origins: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(name)
        self.__dict__["_origins"] = origins

    def __getattr__(self, name: str) -> Any:
        origin = self.__dict__["_origins"].get(name)
        if origin is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, own_name = origin
        value = getattr(import_module(module, self.__name__), own_name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__dict__["_origins"]} - {"_origins"})


class _LazyLoader(Loader):
    def __init__(self, origins: Mapping[str, tuple[str, str]]) -> None:
        self._origins = origins

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LazyPackage(spec.name, self._origins)

    def exec_module(self, module: ModuleType) -> None:
        """Name by name, later."""


class _LazyTypes(MetaPathFinder):
    """Finds what everybody finds, and makes the packages among it lazy."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not any(f"{fullname}.".startswith(f"{package}.") for package in _LAZY):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.submodule_search_locations and spec.loader is not None:
            origins = _origins(spec.loader, fullname)
            if origins is not None:
                spec.loader = _LazyLoader(origins)
        return spec


def _origins(loader: Loader, package: str) -> Mapping[str, tuple[str, str]] | None:
    """By name its module and its name there; None for a package that does more than to import."""
    source = loader.get_source(package) if isinstance(loader, InspectLoader) else None
    origins: dict[str, tuple[str, str]] = {}
    for node in ast.parse(source or "1").body:
        if not isinstance(node, ast.ImportFrom):
            return None
        if node.level == 0 and node.module == "__future__":
            continue
        for alias in node.names:
            if node.level == 0 or alias.name == "*" or node.module is None:
                return None
            origins[alias.asname or alias.name] = f"{'.' * node.level}{node.module}", alias.name
    return origins


sys.meta_path.insert(0, _LazyTypes())

import openai  # noqa: E402

__all__ = ["openai"]
