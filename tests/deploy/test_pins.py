"""`deploy/pins.md` lists the images that are used, with their versions, and no others."""

import re
from datetime import date
from typing import Any

from tests.deploy.compose import DEPLOY, FILES, load
from tests.deploy.image import only, stages

TEXT = (DEPLOY / "pins.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z][^`]*)` \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
OWN = "pandora-to-v1"


def images(document: dict[str, Any]) -> set[str]:
    return {service["image"] for service in document["services"].values()}


def test_list_is_what_the_files_use() -> None:
    used = set().union(*(images(load(file)) for file in FILES))
    used = {image for image in used if not image.startswith(f"{OWN}:")}
    used |= {only(stage, "FROM").removesuffix(" AS build") for stage in stages()}
    assert {f"{name}:{version}" for name, version, _, _ in ROWS} == used


def test_each_row_says_where_its_version_comes_from_and_what_is_known_of_its_digest() -> None:
    for name, _, source, digest in ROWS:
        assert source.strip(), name
        assert re.match(r"none\b|`sha256:[0-9a-f]{64}`, (seen|confirmed)$", digest), name


def test_list_says_when_it_was_looked_at() -> None:
    told = re.search(r"^Last looked at: (\S+)\.$", TEXT, re.MULTILINE)
    assert told is not None
    date.fromisoformat(told[1])
