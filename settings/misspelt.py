"""Variables of the environment that look like settings, and are none."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from settings.environment import variables_of
from settings.nearest import nearest
from settings.spec import SettingSpec

LIKENESS: Final = 0.85
"""Of 1: a letter or two, or one word of several. `REDIS_PORT` is less like `REUSE_PORT` than that."""
SHORTEST: Final = 8
"""Characters. Shorter names, such as `HOST`, have neighbours that belong to others."""
NAME: Final = re.compile(r"[A-Za-z][\w-]{5,59}", re.ASCII)
FOREIGN: Final = ("OTEL_",)
"""OpenTelemetry has variables of its own that are much like those of them that are settings here."""


def misspelt(env: Mapping[str, str], specs: Iterable[SettingSpec]) -> dict[str, str]:
    """Which variables were most likely meant as settings: their name to the setting's, or its `_FILE`.

    The environment is full of others' variables. One counts if it has a value, begins with the same letter
    as a setting, is much like it, and that setting has no value there.
    """
    known: set[str] = set()
    meant: dict[str, list[str]] = {}
    for spec in specs:
        known.update(variables_of(spec))
        for name in (spec.name, f"{spec.name}_FILE") if spec.secret else (spec.name,):
            if len(name) >= SHORTEST:
                meant.setdefault(name[0], []).append(name)
    found: dict[str, str] = {}
    for name, value in env.items():
        if name in known or not value.strip() or not NAME.fullmatch(name) or name.startswith(FOREIGN):
            continue
        setting = nearest(name.replace("-", "_"), meant.get(name[0].upper(), ()), LIKENESS)
        if setting and not env.get(setting, "").strip():
            found[name] = setting
    return found
