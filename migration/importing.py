"""From the old settings to settings of this service, each of which the service accepts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from migration.old_config import read_config
from migration.rules import LEFT_OUT, NEW_NAMES, REMARKS, RULES
from settings import ALIASES, Settings, SettingsError
from translate.values import GptsError, names_taken, quoted, read_gpts


@dataclass(slots=True)
class Imported:
    """What became of the old settings."""

    settings: dict[str, str] = field(default_factory=dict)
    """Name of a setting to its text. The service accepts each of them."""
    origins: dict[str, str] = field(default_factory=dict)
    """Name of a setting to the old keys that it was made of."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Old key, as it can be shown, to the reason why nothing here comes of it."""
    problems: list[str] = field(default_factory=list)
    """What means something and could not be taken over: one line each, without secrets."""
    gpts: int | None = None
    """How many GPTs the old `gpts.json` lists; None if there is none that can be used."""

    @property
    def remarks(self) -> dict[str, str]:
        """Name of a setting that was taken over to what is to be looked at in it."""
        return {name: REMARKS[name] for name in self.settings if name in REMARKS}

    def take(self, key: str, name: str, text: str) -> None:
        """Set `name` to `text`, which `key` stands for, unless the service would refuse it."""
        try:
            if "'" in text or not text.isprintable():
                raise SettingsError(f"set {name} by hand: the value has a single quote, or breaks a line.")
            Settings.from_env({name: text})
        except SettingsError as error:
            self.problems.append(f"{key}: {error}")
        else:
            self.settings[name], self.origins[name] = text, key


def import_config(config: bytes, gpts: bytes | None = None) -> Imported:
    """Translate a `config.json`, and see whether the `gpts.json` beside it can be used here.

    Raises:
        NotAConfig: `config` is no JSON object.
    """
    old = {key: text for key, text in read_config(config).items() if text}
    imported = Imported()
    for key in (key for key in RULES if key in old):
        _take_over(key, old, imported)
    _take_over_names(old, imported)
    for key in sorted(old.keys() - RULES.keys() - NEW_NAMES.keys()):
        if key not in LEFT_OUT:
            imported.left_out[quoted(key)] = "it is not known"
        elif old[key].lower() != "false":
            imported.left_out[key] = LEFT_OUT[key]
    if gpts is not None:
        _look_at_gpts(gpts, imported)
    return imported


def _take_over(key: str, old: Mapping[str, str], imported: Imported) -> None:
    rule = RULES[key]
    newer = next(other for other, its in RULES.items() if its.setting == rule.setting and other in old)
    if newer != key:
        imported.left_out[key] = f"{newer} is its newer name"
        return
    try:
        text = rule.convert(old[key])
    except ValueError as error:
        imported.problems.append(f"{key} is {quoted(old[key])}: it must be {error}.")
    else:
        if text:
            imported.take(key, rule.setting, text)


def _take_over_names(old: Mapping[str, str], imported: Imported) -> None:
    """The further names of models, behind the default aliases, which the setting replaces."""
    names: dict[str, str] = {}
    keys = [key for key in NEW_NAMES if key in old]
    for key in keys:
        for name in filter(None, (name.strip() for name in old[key].split(","))):
            if "=" in name:
                imported.problems.append(f"{key}: the name {quoted(name)} holds a =, which no alias may.")
            elif name != NEW_NAMES[key]:
                names[name] = NEW_NAMES[key]
    if names:
        aliases = {**ALIASES, **names}
        text = ",".join(f"{name}={model}" for name, model in aliases.items())
        imported.take(", ".join(keys), "MODEL_ALIASES", text)


def _look_at_gpts(content: bytes, imported: Imported) -> None:
    taken = names_taken(Settings.from_env(imported.settings).own_aliases)
    try:
        imported.gpts = len(read_gpts(content, taken))
    except GptsError as error:
        imported.problems.append(f"the list of GPTs: {error}.")
