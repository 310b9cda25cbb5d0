// Rows of coloured cells over time: heatmaps and states, which Grafana draws outside of its component library.

import { formattedValueToString, getFieldDisplayName, getValueFormat } from "@grafana/data";
import { AxisPlacement, ScaleDirection, ScaleOrientation } from "@grafana/schema";
import { UPlotChart, UPlotConfigBuilder } from "@grafana/ui";
import * as schemes from "d3-scale-chromatic";

const LINE_HEIGHT = 16;

/**
 * Cells in rows that are counted from the bottom: `cells` are `{row, from, to, colour, text}` with times in milliseconds,
 * `marks` are `{at, label}` on the vertical axis, where row n reaches from n to n + 1.
 */
function Cells({ rows, cells, marks, gap, panel, theme, timeZone, width, height }) {
  const { from, to } = panel.range;
  const builder = new UPlotConfigBuilder(timeZone);
  builder.addScale({
    scaleKey: "x",
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [from, to],
  });
  builder.addAxis({ scaleKey: "x", isTime: true, placement: AxisPlacement.Bottom, timeZone, theme, grid: { show: false } });
  builder.addScale({
    scaleKey: "y",
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [0, rows],
  });
  const every = Math.ceil((marks.length * LINE_HEIGHT) / height);
  const shown = marks.filter((_, index) => index % every === 0);
  builder.addAxis({
    scaleKey: "y",
    placement: AxisPlacement.Left,
    theme,
    grid: { show: false },
    ticks: { show: false },
    splits: shown.map(({ at }) => at),
    values: () => shown.map(({ label }) => label),
  });
  builder.addSeries({ scaleKey: "y", theme, pathBuilder: () => null, pointsBuilder: () => null, lineColor: "transparent" });
  builder.addHook("draw", (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `12px ${theme.typography.fontFamily}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const cell of cells) {
      const left = plot.valToPos(cell.from, "x", true);
      const right = plot.valToPos(cell.to, "x", true);
      const top = plot.valToPos(cell.row + 1 - gap, "y", true);
      const bottom = plot.valToPos(cell.row + gap, "y", true);
      ctx.fillStyle = cell.colour;
      ctx.fillRect(left, top, Math.max(1, right - left - 1), bottom - top - 1);
      if (cell.text && ctx.measureText(cell.text).width < right - left - 8) {
        ctx.fillStyle = theme.colors.getContrastText(cell.colour);
        ctx.fillText(cell.text, Math.max(left, bbox.left) + 6, (top + bottom) / 2);
      }
    }
    ctx.restore();
  });
  builder.setPrepData(() => [[from, to], [null, null]]);
  return <UPlotChart config={builder} data={builder.prepData([])} width={width} height={height} />;
}

/** The states of each series, with equal ones that follow each other as one. */
export function StateTimeline({ frames, ...rest }) {
  const fields = frames.map((frame) => frame.fields[1]);
  const cells = frames.flatMap((frame, index) => {
    const row = frames.length - 1 - index;
    const [times, values] = frame.fields.map((field) => field.values);
    const found = [];
    values.forEach((value, at) => {
      const last = found.at(-1);
      if (last?.value === value) {
        last.to = times[at + 1] ?? times[at];
      } else if (value !== null) {
        const { text, color } = fields[index].display(value);
        found.push({ row, from: times[at], to: times[at + 1] ?? times[at], value, colour: color, text });
      }
    });
    return found;
  });
  const marks = frames.map((frame, index) => ({
    at: frames.length - 0.5 - index,
    label: getFieldDisplayName(fields[index], frame, frames),
  }));
  return <Cells rows={frames.length} cells={cells} marks={marks} gap={0.1} {...rest} />;
}

/** A histogram's cumulative buckets, one series for each bound, as counts for each bucket and time. */
export function Heatmap({ frames, panel, theme, ...rest }) {
  const { color, yAxis } = panel.options;
  const buckets = frames
    .map((frame) => ({ bound: Number(frame.fields[1].labels.le.replace("Inf", "Infinity")), frame }))
    .sort((one, other) => one.bound - other.bound);
  const counts = new Map();
  const cells = [];
  buckets.forEach(({ frame }, row) => {
    const [times, values] = frame.fields.map((field) => field.values);
    times.forEach((time, at) => {
      const count = values[at] - (counts.get(time) ?? 0);
      counts.set(time, values[at]);
      if (count > panel.options.filterValues.le) {
        cells.push({ row, to: time, from: time - panel.step * 1000, count });
      }
    });
  });
  const most = Math.max(...cells.map(({ count }) => count));
  const scheme = schemes[`interpolate${color.scheme}`];
  for (const cell of cells) {
    const share = (cell.count / most) ** color.exponent;
    cell.colour = scheme(theme.isDark ? 1 - share : share);
  }
  const format = getValueFormat(yAxis.unit);
  const marks = buckets
    .slice(0, -1)
    .map(({ bound }, row) => ({ at: row + 1, label: formattedValueToString(format(bound)) }));
  return <Cells rows={buckets.length} cells={cells} marks={marks} gap={0} panel={panel} theme={theme} {...rest} />;
}
