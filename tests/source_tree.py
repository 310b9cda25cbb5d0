"""The source of the service as trees: which module imports what, and which private names it touches."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. `name` is empty for `import module`."""

    line: int
    module: str
    name: str = ""

    def __str__(self) -> str:
        return f"from {self.module} import {self.name}" if self.name else f"import {self.module}"


@dataclass(frozen=True)
class Module:
    """One source file, by the name it is imported under; a package has that of its `__init__.py`."""

    name: str
    path: Path
    tree: ast.Module

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports, also those inside functions and under `TYPE_CHECKING`."""
        return tuple(self._find_imports())

    def _find_imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                assert node.module is not None, f"{self.at(node.lineno)}: a relative import"
                assert not node.level, f"{self.at(node.lineno)}: a relative import"
                for alias in node.names:
                    yield Import(node.lineno, node.module, alias.name)

    def public_names(self) -> set[str] | None:
        """What `__all__` lists; None if there is no `__all__`."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return set(ast.literal_eval(node.value))
        return None

    def at(self, line: int) -> str:
        """Where a line is, as editors and terminals understand it."""
        return f"{self.path.relative_to(ROOT)}:{line}"


def read_modules(places: Iterable[str]) -> dict[str, Module]:
    """All modules of packages (or single files) that stand in the root, by name; none in hidden folders."""
    modules = {}
    for place in places:
        alone = ROOT / f"{place}.py"
        for path in [alone] if alone.exists() else sorted((ROOT / place).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if any(part.startswith(".") for part in parts):
                continue  # a virtual environment
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = Module(name, path, ast.parse(path.read_text(), str(path)))
    return modules


def imported_module(imported: Import, modules: Collection[str]) -> str:
    """The module that an import loads: `from package import name` may name a module."""
    inside = f"{imported.module}.{imported.name}"
    return inside if inside in modules else imported.module


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another, by Tarjan's algorithm; a node alone is no circle."""
    found: list[list[str]] = []
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        path.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
            if other in path:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == index[node]:
            start = path.index(node)
            if len(path) - start > 1:
                found.append(sorted(path[start:]))
            del path[start:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


@dataclass(frozen=True, slots=True)
class PrivateUse:
    """A private name of somebody else: `text` is the expression or the import."""

    line: int
    name: str
    text: str


def foreign_private_names(module: Module) -> Iterator[PrivateUse]:
    """Private names that are imported, or read from an object of another class than the one around."""
    for imported in module.imports:
        if is_private(imported.name):
            yield PrivateUse(imported.line, imported.name, str(imported))
    yield from _foreign_attributes(module.tree, frozenset())


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore; `__name__` and `_` do not count."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _foreign_attributes(node: ast.AST, own: frozenset[str]) -> Iterator[PrivateUse]:
    if isinstance(node, ast.ClassDef):
        own = frozenset(defined_in(node))
    for child in ast.iter_child_nodes(node):
        yield from _foreign_attributes(child, own)
    if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
        owner = ast.unparse(node.value)
        if owner not in ("self", "cls", "super()"):
            yield PrivateUse(node.lineno, node.attr, ast.unparse(node))


def defined_in(node: ast.ClassDef) -> Iterator[str]:
    """Names of methods and attributes that a class gives to its objects."""
    for inner in ast.walk(node):
        match inner:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name


def patched_names(module: Module, rooms: Collection[str]) -> Iterator[tuple[int, str]]:
    """What a test replaces in the service: the line, and the name of a module, class or object.

    Looks at `monkeypatch.setattr(...)` and `patch(...)`; what belongs to the standard library, to another
    package or to the test itself is not told.
    """
    ours = {
        imported.name or imported.module.partition(".")[0]
        for imported in module.imports
        if imported.module.partition(".")[0] in rooms
    }
    aliases = {
        alias.asname
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and (alias.name in ours or alias.name.partition(".")[0] in rooms)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and node.args:
            called, target = ast.unparse(node.func), node.args[0]
            if called.endswith("monkeypatch.setattr") or called.partition(".")[0] in ("mock", "patch"):
                name = target.value if isinstance(target, ast.Constant) else ast.unparse(target)
                first = str(name).partition(".")[0]
                if first in (rooms if isinstance(target, ast.Constant) else ours | aliases):
                    yield node.lineno, str(name)
