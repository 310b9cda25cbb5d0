"""Reads one setting from environment variables, or from the file that `NAME_FILE` names for a secret."""

import os
from collections.abc import Mapping
from pathlib import Path

from settings.errors import SettingsError
from settings.spec import SettingSpec


def read_setting(spec: SettingSpec, env: Mapping[str, str]) -> object:
    """The value of a setting. An unset or empty variable means the default.

    Raises:
        SettingsError: the text is malformed, its file cannot be read, two places give it, or its variable
            has the setting's old name.
    """
    _refuse_old_name(spec, env)
    text = _text(spec, env) or spec.default
    try:
        return spec.parse(text)
    except ValueError as error:
        shown = f"is {text[:80]!r}" if spec.echo else "is not valid"
        raise SettingsError(f"{spec.name} {shown}: it must be {error}.") from None


def variables_of(spec: SettingSpec) -> list[str]:
    """The variables that `read_setting` looks at, also those that it refuses."""
    names = [spec.name, spec.old_name] if spec.old_name else [spec.name]
    return [variable for name in names for variable in (name, f"{name}_FILE")]


def _refuse_old_name(spec: SettingSpec, env: Mapping[str, str]) -> None:
    if not spec.old_name:
        return
    if env.get(spec.old_name, "").strip():
        raise SettingsError(f"{spec.old_name} has a new name: set {spec.name} instead.")
    if env.get(f"{spec.old_name}_FILE", "").strip():
        new_name = f"{spec.name}_FILE" if spec.secret else spec.name
        raise SettingsError(f"{spec.old_name}_FILE has a new name: set {new_name} instead.")


def _text(spec: SettingSpec, env: Mapping[str, str]) -> str:
    name, file_name = spec.name, f"{spec.name}_FILE"
    text = env.get(name, "").strip()
    path = env.get(file_name, "").strip()
    if not path:
        return text
    if not spec.secret:
        raise SettingsError(f"{file_name} is set, but only secrets are read from files: set {name} instead.")
    if text:
        raise SettingsError(f"{name} and {file_name} are both set: keep one of them.")
    text = _read_file(file_name, path)
    if not text:
        raise SettingsError(f"{file_name} names an empty file: {path}")
    return text


def _read_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
    raise SettingsError(f"{name} cannot be read ({reason}): {path}")
