"""`docs/settings.md` has the table of settings that the code has."""

from settings import Settings
from settings.spec import SettingSpec, specs_of
from tests.docs.pages import SETTINGS


def setting_row(spec: SettingSpec) -> str:
    """How a setting stands in the table of settings, where a bar would end its cell."""
    name = f"`{spec.name}` (or `{spec.name}_FILE`)" if spec.secret else f"`{spec.name}`"
    default = f" `{spec.default}` " if spec.default else "  "
    cells = [f" {name} ", default, f" {spec.sentence} "]
    return "|".join(["", *(cell.replace("|", r"\|") for cell in cells), ""])


def test_table_of_settings_is_that_of_the_code() -> None:
    rows = [line for line in SETTINGS.splitlines() if line.startswith("| `")]
    assert rows == [setting_row(spec) for spec in specs_of(Settings).values()]
