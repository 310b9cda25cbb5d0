"""Settings in a TOML file: names and values as the environment would have them, which are texts."""

import os
import tomllib
from collections.abc import Collection
from pathlib import Path

from settings.environment import variables_of
from settings.errors import SettingsError
from settings.nearest import nearest
from settings.spec import SettingSpec


def read_config_file(path: str, specs: Collection[SettingSpec]) -> dict[str, str]:
    """The settings of a file: name to text. A list is one text with commas, a table one of `name=value`.

    Raises:
        SettingsError: it cannot be read, is no TOML, has a name that is none of these settings, or a value
            that no setting has. No value is repeated.
    """
    names = {variable for spec in specs for variable in variables_of(spec)}
    try:
        table = _table(path)
        for name in table:
            if name not in names:
                raise ValueError(f"{name[:80]!r} is no setting{_meant(name, specs)}")
        return {name: _text(name, value) for name, value in table.items()}
    except ValueError as error:
        raise SettingsError(f"CONFIG_FILE {path!r}: {error}") from None


def _table(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"it cannot be read ({os.strerror(error.errno or 0)}).") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text.") from None
    except ValueError as error:
        raise ValueError(f"it is not TOML: {error}.") from None


def _meant(name: str, specs: Collection[SettingSpec]) -> str:
    secrets = [f"{spec.name}_FILE" for spec in specs if spec.secret]
    found = nearest(name, [spec.name for spec in specs] + secrets)
    return f": is {found} meant?" if found else "."


def _text(name: str, value: object) -> str:
    try:
        match value:
            case list():
                return ",".join(_item(item) for item in value)
            case dict():
                return ",".join(f"{key}={_choices(item)}" for key, item in value.items())
        return _scalar(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}.") from None


def _choices(value: object) -> str:
    return "|".join(_item(item) for item in value) if isinstance(value, list) else _item(value)


def _item(value: object) -> str:
    text = _scalar(value)
    if "," in text:  # it would be taken for two
        raise ValueError("has an item with a comma: write all of it as one text")
    return text


def _scalar(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise ValueError("must be a text, a number, true or false, or a list or table of these")
