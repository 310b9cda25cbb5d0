// One panel of a dashboard, by its type.

import { getDisplayValueAlignmentFactors, getFieldDisplayValues, makeTimeRange, toUtc } from "@grafana/data";
import { BigValue, PanelChrome, Table, TimeSeries } from "@grafana/ui";
import { Heatmap, StateTimeline } from "./cells.jsx";

const text = (panel) => panel.fieldConfig.defaults.noValue ?? "No data";

/** The value that is left of the series, as the panel says. */
function Stat({ panel, frames, theme, timeZone, width, height }) {
  const { defaults, overrides } = panel.fieldConfig;
  const values = getFieldDisplayValues({
    fieldConfig: { defaults, overrides },
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (value) => value,
    theme,
    data: frames,
    timeZone,
  });
  const { display } = values[0];
  return (
    <BigValue
      value={frames.length > 0 ? display : { ...display, text: text(panel), numeric: NaN, color: theme.colors.text.secondary }}
      count={1}
      textMode="value"
      colorMode={panel.options.colorMode}
      graphMode="none"
      alignmentFactors={getDisplayValueAlignmentFactors(values)}
      theme={theme}
      width={width}
      height={height}
    />
  );
}

/** Lines and areas, with the annotations of the dashboard as vertical lines. */
function Series({ panel, frames, timeZone, width, height }) {
  const range = makeTimeRange(toUtc(panel.range.from), toUtc(panel.range.to));
  const mark = (config) => {
    config.addHook("draw", (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.lineWidth = 2;
      ctx.setLineDash([4, 4]);
      for (const { time, colour } of panel.annotations) {
        const x = Math.round(plot.valToPos(time, "x", true));
        if (x >= bbox.left && x <= bbox.left + bbox.width) {
          ctx.strokeStyle = colour;
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
      }
      ctx.restore();
    });
    return null;
  };
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={range}
      timeZone={timeZone}
      legend={{ calcs: [], ...panel.options.legend }}
      width={width}
      height={height}
    >
      {mark}
    </TimeSeries>
  );
}

function Rows({ panel, frames, width, height }) {
  return <Table data={frames[0]} width={width} height={height} cellHeight={panel.options.cellHeight} columnMinWidth={90} />;
}

const KINDS = { stat: Stat, timeseries: Series, table: Rows, heatmap: Heatmap, "state-timeline": StateTimeline };

function Nothing({ panel, theme, width, height }) {
  const style = { width, height, display: "grid", placeItems: "center", color: theme.colors.text.secondary };
  return <div style={style}>{text(panel)}</div>;
}

/** The panel in its frame; `box` is its place in pixels. */
export function Panel({ panel, box, ...rest }) {
  const empty = panel.frames.length === 0 && panel.type !== "stat";
  const Kind = empty ? Nothing : KINDS[panel.type];
  return (
    <div style={{ position: "absolute", left: box.left, top: box.top }}>
      <PanelChrome title={panel.title} description={panel.description} width={box.width} height={box.height}>
        {(width, height) => <Kind panel={panel} frames={panel.frames} width={width} height={height} {...rest} />}
      </PanelChrome>
    </div>
  );
}
