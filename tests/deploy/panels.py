"""A picture of the dashboard's panels for the README: `python -m tests.deploy.panels`.

The queries are those of the shipped dashboard, the data is what a real Prometheus has scraped from the
service under mixed load; only the drawing is ours, since Grafana is no part of a test. Needs Prometheus
and Chromium.
"""

import asyncio
import html
import json
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.deploy.compose import DEPLOY
from tests.deploy.rules import filled_in
from tests.deploy.scraped import Prometheus, prometheus
from tests.deploy.test_prometheus import ask_everything, with_accounts
from tests.processes import service_over_simulator
from tests.service.console.browser import chromium, tab

PICTURE = Path(__file__).parents[2] / "docs" / "dashboard-panels.png"
SECONDS = 75
SHOWN = (
    "Units per hour against the limit",
    "GPT-4 window of the busiest key",
    "Requests by model",
    "Tokens by direction",
    "Time to first token",
    "Time per output token",
    "Requests by outcome",
    "Duration",
    "p95 of the duration, by model",
)
COLOURS = ("#0f766e", "#b45309", "#4338ca", "#be123c", "#4d7c0f", "#7e22ce", "#0369a1", "#a16207")
WIDTH, HEIGHT = 430, 150
STYLE = """
body { margin: 0; padding: 20px; background: #f4f5f7; font: 13px system-ui, sans-serif; color: #1f2430 }
main { display: grid; grid-template-columns: repeat(3, 1fr); gap: 14px }
section { background: #fff; border: 1px solid #dfe3ea; border-radius: 10px; padding: 12px 14px }
h2 { margin: 0 0 6px; font-size: 13px } svg { width: 100% } p { margin: 4px 0 0; line-height: 1.5 }
i { display: inline-block; width: 10px; height: 3px; margin: 0 4px 3px 0 }
span { margin-right: 12px; white-space: nowrap }
"""

Line = tuple[str, list[tuple[float, float]]]


def panels() -> list[dict[str, Any]]:
    """Those of the overview that are shown, in that order."""
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "overview.json").read_text())
    by_title = {panel["title"]: panel for panel in dashboard["panels"] if panel["type"] == "timeseries"}
    return [by_title[title] for title in SHOWN]


def lines(server: Prometheus, panel: dict[str, Any], begun: float) -> list[Line]:
    """The panel's series since `begun`, with their legends."""
    found: list[Line] = []
    for target in panel["targets"]:
        data = server.get(
            "/api/v1/query_range",
            query=filled_in(target["expr"]).replace("[1m]", "[15s]"),
            start=str(begun),
            end=str(time.time()),
            step="1",
        )
        for series in data["result"]:
            points = [(when, float(value)) for when, value in series["values"]]
            finite = [
                (when, value) for when, value in points if value == value and abs(value) != float("inf")
            ]
            legend = target.get("legendFormat") or ""
            for name, value in series["metric"].items():
                legend = legend.replace("{{" + name + "}}", value).replace("{{ " + name + " }}", value)
            if any(value for _, value in finite):
                found.append((legend or "value", finite))
    return found[: len(COLOURS)]


def drawn(panel: dict[str, Any], series: list[Line]) -> str:
    """One panel as HTML."""
    times = [when for _, points in series for when, _ in points] or [0.0, 1.0]
    top = max((value for _, points in series for _, value in points), default=1.0) or 1.0
    first, span = min(times), max(times) - min(times) or 1.0
    marks, legend = [], []
    for colour, (name, points) in zip(COLOURS, series, strict=False):
        path = " ".join(
            f"{34 + (when - first) / span * (WIDTH - 40):.1f},{HEIGHT - 8 - value / top * (HEIGHT - 24):.1f}"
            for when, value in points
        )
        marks.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        legend.append(f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>')
    grid = "".join(
        f'<line x1="34" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="#e7eaf0"/>'
        for y in (16, HEIGHT // 2 + 4, HEIGHT - 8)
    )
    scale = f'<text x="0" y="20" font-size="10" fill="#667">{_short(top)}</text>'
    title = html.escape(panel["title"])
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{grid}{scale}{"".join(marks)}</svg>'
    return f"<section><h2>{title}</h2>{picture}<p>{''.join(legend)}</p></section>"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def page() -> str:
    """All panels, after some minutes of work."""
    with (
        tempfile.TemporaryDirectory() as folder,
        service_over_simulator(with_accounts(Path(folder))) as pair,
        prometheus(Path(folder), f"127.0.0.1:{pair.port}") as server,
    ):
        begun = time.time()
        while time.time() - begun < SECONDS:
            ask_everything(pair)
        time.sleep(2)
        body = "".join(drawn(panel, lines(server, panel, begun)) for panel in panels())
    return (
        f"<!doctype html><meta charset=utf-8><title>Panels</title><style>{STYLE}</style><main>{body}</main>"
    )


async def photograph(devtools: int, address: str) -> bytes:
    async with tab(devtools) as seen:
        await seen.look(1440, 760)
        await seen.call("Page.navigate", url=address)
        await seen.until("document.readyState === 'complete' && document.querySelector('section') !== null")
        return await seen.picture()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text(page(), encoding="utf-8")
        handler = partial(SimpleHTTPRequestHandler, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with chromium() as devtools:
            PICTURE.write_bytes(
                asyncio.run(photograph(devtools, f"http://127.0.0.1:{server.server_port}/index.html"))
            )
        server.shutdown()


if __name__ == "__main__":
    main()
