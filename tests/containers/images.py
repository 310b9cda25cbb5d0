"""Stand-ins for the images that the compose files and the Dockerfile pin, under the pinned names."""

import re
import shutil
from pathlib import Path

from tests.containers.checkout import DIGEST
from tests.containers.engine import BASE, Engine
from tests.deploy.compose import FILES, filled_in, load
from tests.processes import ROOT

OWN = "pandora-to-v1"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Of this machine: builds ask the package registries as it does."""
WGET = "RUN ln -s /usr/bin/busybox /usr/local/bin/wget\n"
PAGE = WGET + 'COPY page.py /\nENTRYPOINT ["python3.13", "/page.py"]\n'
RECIPES = {
    "python": """\
COPY ca-certificates.crt /etc/ssl/certs/
RUN ln -s /usr/bin/python3.13 /usr/local/bin/python \\
    && ln -s /usr/bin/pip3 /usr/local/bin/pip \\
    && rm -f /usr/lib/python3.13/EXTERNALLY-MANAGED
""",
    "nginx": WGET,
    "redis": """\
RUN mkdir -p /data && chown 999:1000 /data
VOLUME /data
WORKDIR /data
""",
    "prom/prometheus": f"""\
{WGET}
RUN rm -rf /etc/prometheus && mkdir -p /etc/prometheus /prometheus && chown 65534:65534 /prometheus
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
""",
    "prom/alertmanager": f"""\
{WGET}
RUN mkdir -p /etc/alertmanager /alertmanager && chown 65534:65534 /alertmanager
VOLUME /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
""",
    "grafana/grafana": f"""\
{PAGE}
RUN mkdir -p /var/lib/grafana && chown 472:0 /var/lib/grafana
ENV HOSTNAME=0.0.0.0 PORT=3000
""",
    # It listens on the address that HOSTNAME gives, which the engine sets to the name of the container.
    "yidadaa/chatgpt-next-web": f"""\
{PAGE}
RUN mkdir -p /app/.next/cache
ENV PORT=3000
""",
    "ghcr.io/open-webui/open-webui": f"""\
{PAGE}
ENV HOSTNAME=0.0.0.0 PORT=8080
""",
}
"""By the name of the image without its version: what is done to the root of a Debian system."""
PAGE_PROGRAM = """\
import http.server, os, urllib.request

def models():
    base = os.environ.get("OPENAI_API_BASE_URL") or os.environ["BASE_URL"] + "/v1"
    headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    return urllib.request.urlopen(urllib.request.Request(base + "/models", headers=headers)).read()

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = models() if self.path == "/models" else b"{}"
        self.send_response(200)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    do_HEAD = do_GET

address = os.environ["HOSTNAME"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(address, Page).serve_forever()
"""
"""Stands for a front end: `/models` is what the service at the given address lists for its key."""


def bases(checkout: Path) -> set[str]:
    """The names of the images that a Dockerfile begins with."""
    return set(re.findall(r"^FROM (\S+)", (checkout / "Dockerfile").read_text(), re.MULTILINE))


def pinned() -> list[str]:
    """The names of all images that are not ours, with their versions."""
    named = {
        service["image"]
        for file in FILES
        for service in load(file)["services"].values()
        if "image" in service
    }
    named |= bases(ROOT)
    return sorted(DIGEST.sub("", name) for name in named if not name.startswith(f"{OWN}:"))


def own_image() -> str:
    """The name of the service's image, as the compose files have it."""
    found = re.search(rf"image: ({OWN}:\S+)", filled_in("common.yaml"))
    assert found is not None
    return found[1]


def build_stand_ins(engine: Engine) -> None:
    """Build one for each pinned image. Raises KeyError for an image of which nobody has said what it has."""
    engine.docker("import", str(BASE), "base:1")
    context = engine.folder / "stand-ins"
    context.mkdir()
    shutil.copy(CERTIFICATES, context / "ca-certificates.crt")
    (context / "page.py").write_text(PAGE_PROGRAM)
    for number, name in enumerate(pinned()):
        recipe = context / f"Dockerfile.{number}"
        recipe.write_text("FROM base:1\n" + RECIPES[name.rpartition(":")[0]])
        engine.docker("build", "--quiet", "--tag", name, "--file", str(recipe), str(context))


def build_earlier(engine: Engine, checkout: Path) -> str:
    """Build the service's image of an earlier version, on the stand-ins of today; gives its name."""
    (today,) = (name for name in pinned() if name.startswith("python:"))
    for name in bases(checkout):
        engine.docker("tag", today, name)
    earlier = f"{OWN}:earlier"
    engine.docker("build", "--quiet", "--tag", earlier, str(checkout))
    return earlier
