"""Pictures of the dashboards for the documents: `make pictures`.

A service, a simulated backend and a real Prometheus live for some minutes. Then every query of every panel
is asked, and Grafana's own components draw the answers (`grafana/`). Heatmaps and states are no part of these
components; they are drawn on the plot that is. Fails if a panel has no data or the page throws. Needs
Prometheus, Chromium and Node.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.deploy.lived import lived
from tests.deploy.rules import DASHBOARDS, annotations, filled_in
from tests.deploy.scraped import Prometheus
from tests.service.console.browser import chromium, tab

DOCS = Path(__file__).parents[2] / "docs"
PAGE = Path(__file__).parent / "grafana"
MODULES = PAGE / "node_modules"
SECONDS = 420.0
RATE_INTERVAL = "15s"
STEP = 2
HEATMAP_STEP = 6
WIDTH = 1600
PICTURES: dict[str, tuple[str, int | None]] = {
    "dashboard-now": ("overview", 1414),
    "dashboard-overview": ("overview", None),
    "dashboard-internals": ("internals", None),
}
"""Which dashboard, and how much of it in pixels from its top; None for all."""
INDEX = (
    "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><link rel=stylesheet href=page.css>"
    "<div id=root></div><script type=module src=page.js></script>"
)


class Asked:
    """What Prometheus answers for the time from `begun` to `ended`, in Unix seconds."""

    def __init__(self, server: Prometheus, begun: float, ended: float) -> None:
        self._server = server
        self._begun = begun
        self._ended = ended

    def board(self, board: dict[str, Any]) -> dict[str, Any]:
        """What the page needs of a dashboard: panels with the answers to their queries."""
        return {
            "title": board["title"],
            "theme": "dark",
            "variables": [variable["label"] for variable in board["templating"]["list"][1:]],
            "range": {"from": self._begun * 1000, "to": self._ended * 1000},
            "annotations": [self._note(note) for note in annotations(board)],
            "panels": [panel if panel["type"] == "row" else self._panel(panel) for panel in board["panels"]],
        }

    def _panel(self, panel: dict[str, Any]) -> dict[str, Any]:
        step = HEATMAP_STEP if panel["type"] == "heatmap" else STEP
        ask = self._now if panel["type"] == "table" else partial(self._over_time, step=step)
        answers = [ask(target["expr"]) for target in panel["targets"]]
        assert any(answers), f"{panel['title']} has no data"
        return panel | {"step": step, "answers": answers}

    def _now(self, expression: str) -> list[dict[str, Any]]:
        data = self._server.get("/api/v1/query", query=_filled_in(expression), time=str(self._ended))
        return [{"metric": series["metric"], "values": [series["value"]]} for series in data["result"]]

    def _over_time(self, expression: str, step: int) -> list[dict[str, Any]]:
        data = self._server.get(
            "/api/v1/query_range",
            query=_filled_in(expression),
            start=str(self._begun),
            end=str(self._ended),
            step=str(step),
        )
        found: list[dict[str, Any]] = data["result"]
        return found

    def _note(self, note: dict[str, Any]) -> dict[str, Any]:
        """When it stands, in milliseconds: where the value says, or where the series begin."""
        series = self._over_time(note["expr"], STEP)
        if note["useValueForTime"]:
            times = {float(value) for each in series for _, value in each["values"]}
        else:
            times = {each["values"][0][0] * 1000 for each in series}
        return {"name": note["name"], "iconColor": note["iconColor"], "times": sorted(times)}


def _filled_in(expression: str) -> str:
    return filled_in(expression).replace("[1m]", f"[{RATE_INTERVAL}]")


def boards(seconds: float) -> dict[str, dict[str, Any]]:
    """All dashboards after so many seconds of life, by the names of their files."""
    with tempfile.TemporaryDirectory() as folder, lived(Path(folder), seconds) as server:
        ended = float(server.query("time()")[0]["value"][1])
        asked = Asked(server, ended - seconds, ended)
        return {path.stem: asked.board(json.loads(path.read_text())) for path in DASHBOARDS}


def built(folder: Path) -> None:
    """The page, in `folder`."""
    install = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(install, cwd=PAGE, check=True)
    subprocess.run(
        [
            MODULES / ".bin" / "esbuild",
            "page.jsx",
            "--bundle",
            "--format=esm",
            "--jsx=automatic",
            "--log-level=warning",
            "--loader:.ttf=empty",
            "--alias:react-custom-scrollbars-2=./scrollbars.js",
            '--define:process.env.NODE_ENV="production"',
            f"--outfile={folder / 'page.js'}",
        ],
        cwd=PAGE,
        check=True,
    )
    (folder / "index.html").write_text(INDEX)
    icons, fonts = folder / "public" / "build", folder / "public" / "fonts" / "inter"
    icons.mkdir(parents=True)
    (icons / "img").symlink_to(MODULES / "@grafana" / "ui" / "dist" / "public" / "img")
    fonts.mkdir(parents=True)
    for name, weight in (("Regular", 400), ("Medium", 500)):
        file = MODULES / "@fontsource" / "inter" / "files" / f"inter-latin-{weight}-normal.woff2"
        (fonts / f"Inter-{name}.woff2").symlink_to(file)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of the files in `folder`."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def photographed(devtools: int, address: str, height: int | None = None) -> bytes:
    """The page as PNG, in whole or so many pixels from its top. Raises AssertionError if it throws."""
    async with tab(devtools) as seen:
        await seen.look(WIDTH, 1000)
        await seen.call("Page.navigate", url=address)
        await seen.until("document.body && document.body.classList.contains('drawn')", 60)
        await seen.look(WIDTH, height or await seen.eval("document.documentElement.scrollHeight"))
        await asyncio.sleep(1)
        assert seen.complaints == [], seen.complaints
        return await seen.picture()


def main(seconds: float) -> None:
    """All pictures, of a life of so many seconds."""
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as address, chromium() as devtools:
        folder = Path(name)
        built(folder)
        lived_boards = boards(seconds)
        for picture, (stem, height) in PICTURES.items():
            (folder / "data.json").write_text(json.dumps(lived_boards[stem]))
            seen = asyncio.run(photographed(devtools, f"{address}/index.html", height))
            (DOCS / f"{picture}.png").write_bytes(seen)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
