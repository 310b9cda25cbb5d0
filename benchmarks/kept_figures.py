"""The ratios of a release, kept as `benchmarks/figures/VERSION.json`, so that the next one can be compared.

Absolute figures are not kept: those of another machine or another day mean nothing here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("figures")


@dataclass(frozen=True, slots=True)
class Figures:
    """What `benchmarks.goals.ratios_of` gave for a version."""

    version: str
    date: str
    """Day of the run, as YYYY-MM-DD."""
    machine: str
    command: str
    ratios: Mapping[str, float]


def save(figures: Figures, folder: Path = FOLDER) -> Path:
    """Keep the figures of a version, instead of those it had; return the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{figures.version}.json"
    rounded = {name: round(value, 3) for name, value in figures.ratios.items()}
    path.write_text(json.dumps(asdict(figures) | {"ratios": rounded}, indent=1) + "\n")
    return path


def newest(folder: Path = FOLDER) -> Figures | None:
    """The figures of the highest version that has any."""
    paths = sorted(folder.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return Figures(**json.loads(paths[-1].read_text())) if paths else None
