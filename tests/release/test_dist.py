"""A release: what it is made of, and that the same commit gives the same bytes."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from server import VERSION
from tests.deploy.image import ROOT, copies, in_context, stages

WHEEL = f"pandora_to_v1-{VERSION}-py3-none-any.whl"
ARCHIVE = f"pandora_to_v1-{VERSION}.tar.gz"
CONTEXT = f"pandora_to_v1-{VERSION}-image.tar.gz"
MATERIALS = f"pandora_to_v1-{VERSION}.cdx.json"
SUMS = "SHA256SUMS"


def clone(folder: Path) -> Path:
    """What is committed."""
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True, capture_output=True, timeout=60)
    return folder


def release(checkout: Path, *, umask: int = 0o022, **environment: str) -> Path:
    """The folder with the release, as `make dist` builds it."""
    subprocess.run(
        [sys.executable, "-m", "release"],
        cwd=checkout,
        env=os.environ | environment,
        umask=umask,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return checkout / "dist"


def files_of_git() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split("\0")[:-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(clone(tmp_path_factory.mktemp("first") / "clone"))


@pytest.fixture(scope="module")
def bill(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built / MATERIALS).read_text())
    return found


def test_two_clones_give_the_same_bytes_with_the_sums_that_are_told(built: Path, tmp_path: Path) -> None:
    elsewhere = clone(tmp_path / "clone of somebody else")
    again = release(elsewhere, umask=0o077, TZ="Asia/Shanghai", LC_ALL="C", PYTHONHASHSEED="7")
    names = {WHEEL, ARCHIVE, CONTEXT, MATERIALS, SUMS}
    assert {path.name for path in built.iterdir()} - {".gitignore"} == names
    for name in names:
        assert (again / name).read_bytes() == (built / name).read_bytes(), name
    command = ["sha256sum", "--strict", "-c", SUMS]
    english = os.environ | {"LC_ALL": "C"}
    checked = subprocess.run(command, cwd=built, env=english, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count(": OK") == len(names) - 1


def test_context_holds_what_the_image_is_built_of_and_nothing_else(built: Path, tmp_path: Path) -> None:
    with tarfile.open(built / CONTEXT) as archive:
        assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in archive} == {(0, 0, "", "")}
        archive.extractall(tmp_path, filter="data")
    context = tmp_path / f"pandora_to_v1-{VERSION}"
    expected = {name for name in files_of_git() if in_context(name)} | {"Dockerfile", ".dockerignore"}
    found = {str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()}
    assert found == expected
    for source in {source for stage in stages() for source, _ in copies(stage)}:
        assert (context / source).exists(), source


def test_bill_of_materials_is_valid_and_tells_the_version(built: Path, bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str((built / MATERIALS).read_text()) is None
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == ("pandora-to-v1", VERSION)


def test_bill_of_materials_has_each_package_that_the_image_installs_with_its_digests(
    bill: dict[str, Any],
) -> None:
    pinned: dict[str, set[str]] = {}
    for lock in ("requirements.lock", "requirements-traces.lock"):
        for entry in (ROOT / lock).read_text().replace("\\\n", "").splitlines():
            if "==" in entry:
                requirement, *digests = entry.split(" --hash=sha256:")
                wanted = Requirement(requirement.strip())
                (pin,) = wanted.specifier
                pinned[f"{wanted.name}@{pin.version}"] = {digest.strip() for digest in digests}
    found = {
        component["purl"].removeprefix("pkg:pypi/"): {
            digest["content"] for place in component["externalReferences"] for digest in place["hashes"]
        }
        for component in bill["components"]
        if component["purl"].startswith("pkg:pypi/")
    }
    assert found == pinned


def test_bill_of_materials_has_what_the_console_took_from_others(bill: dict[str, Any]) -> None:
    package = json.loads((ROOT / "console" / "vendor" / "package.json").read_text())
    wanted = {f"{name}@{version}" for name, version in package["dependencies"].items()}
    found = [component["purl"].replace("%40", "@") for component in bill["components"]]
    assert {purl.removeprefix("pkg:npm/") for purl in found if purl.startswith("pkg:npm/")} == wanted


def test_archives_have_one_time_for_all_files(built: Path) -> None:
    for name in (CONTEXT, ARCHIVE):
        with tarfile.open(built / name) as archive:
            assert len({entry.mtime for entry in archive}) == 1
