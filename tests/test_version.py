"""The version is said in one place, `server.VERSION`; whatever must repeat it says the same."""

import re
import tomllib

from prometheus_client.parser import text_string_to_metric_families

from server import VERSION
from tests.deploy.compose import FILES, load
from tests.deploy.image import ROOT, only, stages
from tests.service.deployment import deployed


def test_package_has_the_version_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["version"] == {"path": "server.py"}
    assert (project["project"]["dynamic"], "version" in project["project"]) == (["version"], False)


def test_image_is_labelled_with_the_version() -> None:
    labels = dict(re.findall(r'([\w.]+)="([^"]*)"', only(stages()[-1], "LABEL")))
    assert labels["org.opencontainers.image.version"] == VERSION


def test_compose_files_name_the_image_by_the_version() -> None:
    assert {load(file)["services"]["pandora"]["image"] for file in FILES} == {f"pandora-to-v1:{VERSION}"}


async def test_metrics_and_console_tell_the_version() -> None:
    async with deployed() as service:
        metrics = (await service.ask("GET", "/metrics", key="")).body.decode()
        state = (await service.ask("GET", "/console/state", key="")).json
    (build,) = (
        family for family in text_string_to_metric_families(metrics) if family.name == "pandora_build_info"
    )
    assert [sample.labels for sample in build.samples] == [{"version": VERSION}]
    assert state["version"] == VERSION
