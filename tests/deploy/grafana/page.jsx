// A whole dashboard: data.json has its panels with what Prometheus answered, the range, and the annotations.

import { createTheme, ThemeContext } from "@grafana/data";
import { GlobalStyles, PortalContainer } from "@grafana/ui";
import { createRoot } from "react-dom/client";
import { framesOf } from "./frames.js";
import { Panel } from "./panels.jsx";

const COLUMNS = 24;
const ROW_HEIGHT = 30;
const GAP = 8;
const MARGIN = 16;
const HEAD = 56;
const TIME_ZONE = "utc";
const DRAWING_MS = 2000;

function place({ x, y, w, h }) {
  const column = (document.documentElement.clientWidth - 2 * MARGIN + GAP) / COLUMNS;
  return {
    left: MARGIN + x * column,
    top: HEAD + y * (ROW_HEIGHT + GAP),
    width: w * column - GAP,
    height: h * (ROW_HEIGHT + GAP) - GAP,
  };
}

function Row({ panel, theme }) {
  const { left, top } = place(panel.gridPos);
  const style = { position: "absolute", left, top: top + 4, fontWeight: theme.typography.fontWeightMedium };
  return <div style={style}>⌄ {panel.title}</div>;
}

function Head({ board, theme }) {
  const value = { color: theme.colors.text.link };
  return (
    <div style={{ display: "flex", gap: 24, alignItems: "baseline", padding: MARGIN }}>
      <b style={{ fontSize: 18, fontWeight: theme.typography.fontWeightMedium }}>{board.title}</b>
      {board.variables.map((name) => (
        <span key={name} style={{ color: theme.colors.text.secondary }}>
          {name} <span style={value}>All</span>
        </span>
      ))}
      <span style={{ flex: 1 }} />
      {board.annotations.map(({ name, colour }) => (
        <span key={name} style={{ color: theme.colors.text.secondary }}>
          <span style={{ color: colour }}>┆</span> {name}
        </span>
      ))}
    </div>
  );
}

function Dashboard({ board, theme }) {
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Head board={board} theme={theme} />
      {board.panels.map((panel) =>
        panel.type === "row" ? (
          <Row key={panel.id} panel={panel} theme={theme} />
        ) : (
          <Panel key={panel.id} panel={panel} box={place(panel.gridPos)} theme={theme} timeZone={TIME_ZONE} />
        ),
      )}
      <div style={{ height: HEAD + bottom * (ROW_HEIGHT + GAP) - HEAD }} />
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

window.__grafana_public_path__ = "public/";
const board = await (await fetch("data.json")).json();
const theme = createTheme({ colors: { mode: board.theme } });
const colour = (name) => theme.visualization.getColorByName(name);
const annotations = board.annotations.flatMap(({ iconColor, times }) =>
  times.map((time) => ({ time, colour: colour(iconColor) })),
);
board.annotations = board.annotations.map((note) => ({ ...note, colour: colour(note.iconColor) }));
for (const panel of board.panels) {
  if (panel.type !== "row") {
    Object.assign(panel, { range: board.range, annotations });
    panel.frames = await framesOf(panel, theme, TIME_ZONE);
  }
}
createRoot(document.getElementById("root")).render(<Dashboard board={board} theme={theme} />);
setTimeout(() => document.body.classList.add("drawn"), DRAWING_MS);
