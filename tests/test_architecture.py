"""Which room may use which: one table, and the rules that keep the house as `docs/architecture.md` has it.

Only the source is read. `python -m pytest tests/test_architecture.py -k handlers` shows what one room breaks.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable

import pytest

from tests.source_tree import (
    ROOT,
    Import,
    Module,
    circles,
    foreign_private_names,
    imported_module,
    patched_names,
    read_modules,
)

TRANSLATE = {
    "translate", "translate.values", "translate.text", "translate.backend", "translate.openai",
    "translate.tools", "translate.anthropic", "translate.sides",
}  # fmt: skip
BELOW_UPSTREAM = {"translate.values", "translate.backend", "accounts", "runtime", "upstream.http"}

ARROWS: dict[str, set[str]] = {
    "translate.values": set(),
    "translate.text": {"translate.values"},
    "translate.backend": {"translate.values", "translate.text"},
    "translate": {"translate.values", "translate.text", "translate.backend"},
    "translate.tools": {"translate.values"},
    "translate.openai": {"translate.values", "translate.text", "translate.tools"},
    "translate.anthropic": {"translate.values", "translate.text", "translate.tools"},
    "translate.sides": {"translate.values"},
    "kept": {"translate.values", "runtime"},
    "metrics": set(),
    "runtime": set(),
    "transport": set(),
    "tracing": set(),
    "media": {"runtime", "transport"},
    "settings": {"translate.values", "accounts"},
    "migration": {"translate.values", "settings"},
    "accounts": {"translate.values", "runtime"},
    "roster": {"translate.values", "runtime", "accounts"},
    "pool": {"translate.values", "runtime", "accounts", "roster"},
    "continuity": {"translate.values", "runtime"},
    "access": {"translate.values", "runtime", "accounts", "roster"},
    "upstream.http": {"accounts", "runtime", "transport"},
    "upstream.socket": BELOW_UPSTREAM - {"translate.values"} | {"transport"},
    "upstream.files": BELOW_UPSTREAM - {"translate.backend"},
    "upstream.gpts": BELOW_UPSTREAM,
    "upstream.account": BELOW_UPSTREAM,
    "upstream.elsewhere": BELOW_UPSTREAM | {"upstream.socket"},
    "upstream": BELOW_UPSTREAM - {"runtime"} | {"upstream.socket", "upstream.elsewhere"},
    "logs": {"translate.values"},
    "catalogue": {
        "translate.values", "metrics", "runtime", "accounts", "upstream.gpts", "upstream.account",
    },
    "ledger": {"translate.values", "metrics", "accounts", "runtime", "upstream", "upstream.account"},
    "activity": {"translate.values", "runtime", "metrics", "logs"},
    "oversight": {"translate.values", "metrics", "accounts", "roster", "pool", "ledger"},
    "recordings": {"translate", "translate.values", "translate.backend", "runtime"},
    "uploads": {"translate.values", "runtime", "media"},
    "turns": {
        "translate", "translate.values", "translate.backend", "metrics", "runtime", "media", "accounts",
        "upstream", "upstream.files", "upstream.gpts", "upstream.account", "ledger", "recordings",
        "uploads", "pool", "tracing",
    },
    "handlers": {
        "translate", "translate.values", "translate.tools", "translate.openai", "translate.anthropic",
        "translate.sides",
        "metrics", "runtime", "media", "accounts", "access", "logs", "catalogue", "ledger", "recordings",
        "turns", "uploads", "kept", "roster", "pool", "continuity", "oversight", "activity", "tracing",
    },
    "front": {"translate.values", "translate.openai", "metrics"},
    "simulator": set(),
    "wiring": {
        "translate.values", "transport", "metrics", "runtime", "media", "settings", "accounts", "access",
        "upstream",
        "upstream.files", "upstream.gpts", "upstream.account", "logs", "catalogue", "ledger", "recordings",
        "turns", "uploads", "kept", "roster", "pool", "continuity", "oversight", "activity",
        "handlers", "tracing",
    },
    "commands": {
        "translate.values", "accounts", "upstream.account", "settings", "migration", "roster", "ledger",
        "recordings", "runtime", "wiring",
    },
    "server": {
        "commands", "wiring", "front", "handlers", "ledger", "logs", "runtime", "settings",
        "translate.values", "transport", "simulator",
    },
    "pandora_to_v1": {"server"},
}  # fmt: skip
"""Each room, and the rooms that it may import from."""
OUTSIDE = {"benchmarks", "release", "tests"}
"""What is no part of the service. They may use all of it, and nobody uses them."""

PURE = {
    "base64", "bisect", "calendar", "collections", "dataclasses", "enum", "fnmatch", "functools", "hashlib",
    "hmac", "itertools", "json", "jsonschema_rs", "math", "operator", "re", "typing", "ujson",
    "unicodedata", "urllib.parse",
}  # fmt: skip
"""What `translate` may import from outside: nothing that does I/O, waits, logs, or reads a clock."""
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}

OWNED_LIBRARIES = [("ujson", "translate.values.json_codec")]
"""Libraries that one module uses for all: their name, and that module."""

FOREIGN_PRIVATE_NAMES = {
    ("upstream.http.endpoint", "_replace"),  # a public method of named tuples
    ("tests.service.test_python_sdk", "_request_id"),  # so it is documented by OpenAI
}
"""Private names of libraries that are used knowingly: module and name."""

ROOM_NAMES = {room.partition(".")[0] for room in ARROWS}
HOUSE = read_modules([*sorted(ROOM_NAMES), "benchmarks", "release"])
TESTS = read_modules(["tests"])


def room_of(module: str) -> str:
    """The room that a module is in: the longest name in the table that it begins with, or its package."""
    while module not in ARROWS:
        above, dot, _ = module.rpartition(".")
        if not dot:
            break
        module = above
    return module


def modules_of(room: str) -> list[Module]:
    return [module for name, module in HOUSE.items() if room_of(name) == room]


def leaving(room: str) -> list[tuple[Module, Import, str]]:
    """The imports of a room from other rooms: the module, the import, and the other room."""
    found = []
    for module in modules_of(room):
        for imported in module.imports:
            target = imported_module(imported, HOUSE)
            if target in HOUSE and room_of(target) != room:
                found.append((module, imported, room_of(target)))
    return found


def nothing(problems: Iterable[str]) -> None:
    """Fail with one line for each problem."""
    lines = sorted(set(problems))
    if lines:
        pytest.fail("\n".join(["", *lines]), pytrace=False)


def test_table_names_every_room() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    alone = {path.stem for path in ROOT.glob("*.py")}
    assert folders | alone == ROOM_NAMES | OUTSIDE
    for name in ("translate", "upstream"):
        inner = {f"{name}.{path.parent.name}" for path in (ROOT / name).glob("*/__init__.py")}
        assert inner == {room for room in ARROWS if room.startswith(f"{name}.")}


def test_tools_look_at_every_room() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    everything = ROOM_NAMES | OUTSIDE
    assert {name.removesuffix(".py") for name in tools["mypy"]["files"]} == everything
    assert set(tools["ruff"]["lint"]["isort"]["known-first-party"]) == everything


@pytest.mark.parametrize("room", ARROWS)
def test_imports_follow_the_arrows(room: str) -> None:
    nothing(
        f"{module.at(imported.line)}: {room} must not import from {other} ({imported})"
        for module, imported, other in leaving(room)
        if other not in ARROWS[room]
    )


@pytest.mark.parametrize("room", ARROWS)
def test_every_arrow_is_used(room: str) -> None:
    used = {other for _, _, other in leaving(room)}
    nothing(f"{room} -> {other}: nothing is imported along this arrow" for other in ARROWS[room] - used)


@pytest.mark.parametrize("room", ARROWS)
def test_rooms_are_entered_by_their_faces(room: str) -> None:
    """Names come from `__all__` of the other room's `__init__.py`, and no module is imported whole."""
    problems = []
    for module, imported, other in leaving(room):
        where = module.at(imported.line)
        if imported.module != other or not imported.name:
            problems.append(f"{where}: write `from {other} import ...`, not `{imported}`")
        elif imported.name not in (HOUSE[other].public_names() or ()):
            problems.append(f"{where}: {imported.name} is not in `__all__` of {other}")
    nothing(problems)


@pytest.mark.parametrize("room", ["", *ARROWS, "benchmarks", "release"])
def test_modules_go_in_no_circle(room: str) -> None:
    """Within each room, and (without a name) through several rooms."""
    graph = {
        name: {imported_module(imported, HOUSE) for imported in module.imports} & HOUSE.keys() - {name}
        for name, module in HOUSE.items()
    }
    for circle in circles(graph):
        through = {room_of(name) for name in circle}
        if through == {room} or (not room and len(through) > 1):
            pytest.fail(" <-> ".join(circle), pytrace=False)


def test_no_module_is_imported_by_a_text() -> None:
    """The table sees `import` and `from` only."""
    nothing(
        f"{module.at(imported.line)}: {imported}"
        for module in HOUSE.values()
        for imported in module.imports
        if imported.module.partition(".")[0] in ("importlib", "runpy", "pkgutil")
    )


@pytest.mark.parametrize(("library", "owner"), OWNED_LIBRARIES)
def test_library_is_used_by_its_owner_alone(library: str, owner: str) -> None:
    """What it does otherwise than one would expect is written down, and tested, in one place."""
    users = {
        name
        for name, module in HOUSE.items()
        for imported in module.imports
        if imported.module.partition(".")[0] == library
    }
    assert users == {owner}


def test_arrows_go_in_no_circle() -> None:
    assert not circles(ARROWS)


def test_nobody_imports_what_is_outside() -> None:
    nothing(
        f"{module.at(imported.line)}: {imported}"
        for name, module in HOUSE.items()
        for imported in module.imports
        if (first := imported.module.partition(".")[0]) in OUTSIDE and first != room_of(name)
    )


@pytest.mark.parametrize("room", sorted(TRANSLATE))
def test_core_reads_no_clock_and_does_no_input_or_output(room: str) -> None:
    problems = []
    for module in modules_of(room):
        for imported in module.imports:
            known = {imported.module, imported.module.partition(".")[0]} & (PURE | {"translate"})
            if not known:
                problems.append(f"{module.at(imported.line)}: {imported} in the core")
        problems.extend(
            f"{module.at(node.lineno)}: {node.func.id}() in the core"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS
        )
    nothing(problems)


@pytest.mark.parametrize("room", ARROWS)
def test_threads_of_the_loop_are_left_to_names_of_hosts(room: str) -> None:
    """A room uses `Threads` of `runtime`: what it does there keeps nobody from connecting."""
    nothing(
        f"{module.at(node.lineno)}: use Threads of runtime, not `{ast.unparse(node)[:60]}`"
        for module in modules_of(room)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (
            ast.unparse(node.func) in ("asyncio.to_thread", "to_thread")
            or (ast.unparse(node.func).endswith(".run_in_executor") and ast.unparse(node.args[0]) == "None")
        )
    )


@pytest.mark.parametrize("room", [*ARROWS, "benchmarks", "release"])
def test_private_names_stay_private(room: str) -> None:
    nothing(private_names(modules_of(room)))


TEST_ROOMS = sorted({name.split(".")[1] for name in TESTS if "." in name})


def modules_of_tests(room: str) -> list[Module]:
    return [module for name, module in TESTS.items() if name.split(".")[1:2] == [room]]


@pytest.mark.parametrize("room", TEST_ROOMS)
def test_tests_read_no_private_names(room: str) -> None:
    nothing(private_names(modules_of_tests(room)))


@pytest.mark.parametrize("room", TEST_ROOMS)
def test_tests_patch_nothing_of_the_service(room: str) -> None:
    """A limit that a test needs short is an argument or a setting."""
    nothing(
        f"{module.at(line)}: {name} is patched"
        for module in modules_of_tests(room)
        for line, name in patched_names(module, ROOM_NAMES)
    )


def private_names(modules: Iterable[Module]) -> list[str]:
    return [
        f"{module.at(use.line)}: {use.text} is somebody else's private name"
        for module in modules
        for use in foreign_private_names(module)
        if (module.name, use.name) not in FOREIGN_PRIVATE_NAMES
    ]


def test_every_room_can_be_imported_first() -> None:
    """None needs another one to have been imported before it. A module is imported after its room's face."""
    code = f"""
import importlib, sys
ours = {sorted(ROOM_NAMES)!r}
for room in ours:
    for loaded in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[loaded]
    importlib.import_module(room)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
