"""Whoever hands the service on may do so: the licences of what it is installed with permit that."""

from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement

from tests.deploy.image import ROOT

LOCKS = ("requirements.lock", "requirements-traces.lock")
"""What the image and the wheel are installed with."""

ALLOWED = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "PSF-2.0",
    "TCL",
    "CNRI-Python",
}
"""SPDX identifiers. All permit to hand on the package unchanged in a larger work of any licence."""

CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
FREE_WORDS = {"MIT": "MIT", "MIT License": "MIT", "3-Clause BSD License": "BSD-3-Clause"}
"""How packages tell their licence that have no SPDX expression: by classifiers, or else in words."""


def pinned(lock: str) -> list[Requirement]:
    """The packages of a lock file that are installed on this Python."""
    lines = (line.partition(" \\")[0] for line in (ROOT / lock).read_text().splitlines())
    found = (Requirement(line) for line in lines if "==" in line and not line.startswith((" ", "#")))
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def licence(about: PackageMetadata) -> str:
    """The SPDX expression of a package; empty if it tells none that is known here."""
    if "License-Expression" in about:
        return str(canonicalize_license_expression(about["License-Expression"]))
    by_classifier = [CLASSIFIERS[line] for line in about.get_all("Classifier") or () if line in CLASSIFIERS]
    in_words = about["License"].partition("\n")[0] if "License" in about else ""
    return " AND ".join(by_classifier) or FREE_WORDS.get(in_words, "")


PINNED = {one.name: one for lock in LOCKS for one in pinned(lock)}


@pytest.mark.parametrize("name", sorted(PINNED))
def test_licence_is_one_of_those_that_are_allowed(name: str) -> None:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    assert about["Version"] in PINNED[name].specifier, "another version than the pinned one is installed"
    told = licence(about)
    assert told, f"{name} tells no licence"
    words = set(told.replace("(", " ").replace(")", " ").split()) - {"AND", "OR"}
    assert words <= ALLOWED, f"{name} is under {told}"


@pytest.mark.parametrize("folder", ["turns/vocabularies", "console/vendor/katex", "console/vendor/highlight"])
def test_licence_of_what_was_taken_over_is_beside_it(folder: str) -> None:
    assert "copyright" in Path(ROOT / folder / "LICENSE").read_text().lower()
