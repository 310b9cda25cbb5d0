"""The settings as the service uses them: the table, read from environment and file, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from settings.checks import check_consistency
from settings.config_file import read_config_file
from settings.environment import read_setting, variables_of
from settings.errors import SettingsError
from settings.misspelt import misspelt
from settings.parsers import pairs_text
from settings.spec import specs_of
from settings.table import ALIASES, SettingsTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SettingsTable):
    """All settings; each attribute is explained by its sentence in `table.py`."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read all settings from `env`, such as `os.environ`, and from the file that CONFIG_FILE names there.

        A setting that `env` gives is not looked for in the file. Unknown variables are ignored, unknown names
        of the file are not.

        Raises:
            SettingsError: a setting is malformed, contradicts another one, or has an old name; the file
                cannot be used.
        """
        specs = specs_of(cls)
        own = specs.pop("config_file")
        path = cast(str, read_setting(own, env))
        told = read_config_file(path, specs.values()) if path else {}
        values: dict[str, object] = {"config_file": path}
        for attribute, spec in specs.items():
            if any(env.get(name, "").strip() for name in variables_of(spec)):
                values[attribute] = read_setting(spec, env)
                continue
            try:
                values[attribute] = read_setting(spec, told)
            except SettingsError as error:
                raise SettingsError(f"CONFIG_FILE {path!r}: {error}") from None
        settings = cls(**cast(dict[str, Any], values))
        check_consistency(settings)
        return settings

    @classmethod
    def misspelt(cls, env: Mapping[str, str]) -> dict[str, str]:
        """Variables that are no settings but were most likely meant as such: name to what was meant."""
        return misspelt(env, specs_of(cls).values())

    @classmethod
    def help(cls) -> str:
        """A text that lists the settings: name, sentence, default."""
        lines = []
        for spec in specs_of(cls).values():
            name = f"{spec.name} (or {spec.name}_FILE)" if spec.secret else spec.name
            default = f" Default: {spec.default}." if spec.default else ""
            lines.append(f"  {name}\n      {spec.sentence}{default}")
        return "\n".join(lines)

    @property
    def own_aliases(self) -> Mapping[str, str]:
        """Aliases that the operator has set; none where they are the default ones."""
        return {} if self.model_aliases == ALIASES else self.model_aliases

    def summary(self) -> dict[str, object]:
        """The settings in effect, for the log: name to value. Secrets are masked, pairs are one text."""
        summary: dict[str, object] = {}
        for attribute, spec in specs_of(type(self)).items():
            value = getattr(self, attribute)
            if spec.secret:
                summary[spec.name] = "***" if value else ""
            elif isinstance(value, tuple):
                summary[spec.name] = ",".join(map(str, value))
            elif isinstance(value, Mapping):
                summary[spec.name] = pairs_text(value)
            else:
                summary[spec.name] = "" if value is None else value
        return summary

    def changed(self) -> dict[str, object]:
        """Those of the summary that are not as they are by default."""
        defaults = type(self).from_env({}).summary()
        return {name: value for name, value in self.summary().items() if value != defaults[name]}
