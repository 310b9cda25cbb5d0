// What Prometheus answered, as data frames to which the panel's field configuration is applied.

import {
  applyFieldOverrides,
  FieldConfigOptionsRegistry,
  FieldType,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from "@grafana/data";
import { firstValueFrom } from "rxjs";

const STANDARD = ["unit", "min", "max", "decimals", "noValue", "color", "thresholds", "mappings"];
const CUSTOM = [
  "drawStyle", "lineInterpolation", "lineWidth", "lineStyle", "fillOpacity", "gradientMode", "showPoints", "pointSize",
  "spanNulls", "stacking", "axisPlacement", "axisGridShow", "scaleDistribution", "thresholdsStyle", "cellOptions", "align",
];
const TIME_SERIES = {
  color: { mode: "palette-classic" },
  custom: {
    drawStyle: "line",
    lineInterpolation: "linear",
    gradientMode: "none",
    axisPlacement: "auto",
    thresholdsStyle: { mode: "off" },
  },
};
const TABLE = { color: { mode: "thresholds" }, custom: { cellOptions: { type: "auto" }, align: "auto" } };

const option = (path, isCustom) => ({
  id: isCustom ? `custom.${path}` : path,
  name: path,
  path,
  isCustom,
  settings: {},
  process: (value) => value,
  shouldApply: () => true,
});
const options = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => option(path, false)),
  ...CUSTOM.map((path) => option(path, true)),
]);
standardTransformersRegistry.setInit(() =>
  [standardTransformers.joinByFieldTransformer, standardTransformers.organizeFieldsTransformer].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
  })),
);

const number = (text) => (text === "NaN" ? null : Number(text.replace("Inf", "Infinity")));
const named = (legend, labels) => legend.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? "");

/** One frame for each series of each query, with their names as `config.displayNameFromDS`. */
function seriesFrames(panel) {
  return panel.answers.flatMap((series, index) => {
    const { refId, legendFormat } = panel.targets[index];
    return series.map(({ metric, values }) =>
      toDataFrame({
        refId,
        fields: [
          { name: "Time", type: FieldType.time, values: values.map(([seconds]) => seconds * 1000) },
          {
            name: "Value",
            type: FieldType.number,
            labels: metric,
            config: { displayNameFromDS: named(legendFormat, metric) },
            values: values.map(([, text]) => number(text)),
          },
        ],
      }),
    );
  });
}

/** One frame for each query, with a column for each label. */
function tableFrames(panel) {
  return panel.answers.map((series, index) => {
    const { refId } = panel.targets[index];
    const last = series.map(({ values }) => values.at(-1));
    const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
    return toDataFrame({
      refId,
      fields: [
        { name: "Time", type: FieldType.time, values: last.map(([seconds]) => seconds * 1000) },
        ...labels.map((name) => ({
          name,
          type: FieldType.string,
          values: series.map(({ metric }) => metric[name] ?? ""),
        })),
        {
          name: panel.answers.length > 1 ? `Value #${refId}` : "Value",
          type: FieldType.number,
          values: last.map(([, text]) => number(text)),
        },
      ],
    });
  });
}

/** The field configuration as Grafana completes it when it loads a panel. */
function fieldConfig({ type, fieldConfig: { defaults, overrides } }) {
  const added = { timeseries: TIME_SERIES, table: TABLE }[type] ?? {};
  const thresholds = defaults.thresholds ?? { mode: "absolute", steps: [{ color: "green", value: null }] };
  return {
    overrides,
    defaults: {
      ...added,
      ...defaults,
      custom: { ...added.custom, ...defaults.custom },
      thresholds: {
        ...thresholds,
        steps: thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity })),
      },
    },
  };
}

/** The frames of a panel; empty where no query found anything. */
export async function framesOf(panel, theme, timeZone) {
  const raw = panel.type === "table" ? tableFrames(panel) : seriesFrames(panel);
  const data = panel.transformations ? await firstValueFrom(transformDataFrame(panel.transformations, raw)) : raw;
  return applyFieldOverrides({
    data: data.filter((frame) => frame.length > 0),
    fieldConfig: fieldConfig(panel),
    fieldConfigRegistry: options,
    replaceVariables: (text) => text,
    theme,
    timeZone,
  });
}
