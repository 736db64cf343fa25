import React, { useMemo } from 'react';
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  fieldMatchers,
  getFieldDisplayValues,
  ThresholdsMode,
  type DataFrame,
  type FieldConfigSource,
  type TimeRange,
} from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, TimeSeries, useTheme2, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { FIELD_CONFIG } from './field_config';
import { replaceVariables, type Format } from './variables';
import { variables } from './services';

/** What of a panel's JSON says how it looks. */
export interface PanelModel {
  type: string;
  title?: string;
  options?: Record<string, unknown>;
  fieldConfig: FieldConfigSource;
}

interface Props {
  panel: PanelModel;
  frames: DataFrame[];
  range: TimeRange;
  width: number;
  height: number;
}

/** A panel's frames under its own field configuration, drawn by the components that Grafana's core panels are made of. */
export function Panel({ panel, frames, range, width, height }: Props) {
  const theme = useTheme2();
  const shown = useMemo(() => {
    const overridden = applyFieldOverrides({
      data: frames,
      fieldConfig: withDefaults(panel),
      fieldConfigRegistry: FIELD_CONFIG,
      replaceVariables: (text, scoped, format) => replaceVariables(text, variables, scoped, format as Format),
      theme,
      timeZone: 'utc',
    });
    cacheFieldDisplayNames(overridden);
    return overridden;
  }, [frames, panel, theme]);
  const nothing = !shown.some(({ fields, length }) => length > 0 && fields.length > 1);
  if (nothing) {
    return <>No data</>;
  }
  switch (panel.type) {
    case 'stat':
      return <Stat panel={panel} frames={shown} width={width} height={height} />;
    case 'timeseries':
      return (
        <TimeSeries
          frames={shown}
          timeRange={range}
          timeZone="utc"
          width={width}
          height={height}
          legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] } as never}
        />
      );
    default:
      // Bar charts, too: no package holds Grafana's.
      // The table is as high as the room it stands in.
      return (
        <div style={{ width, height }}>
          {shown[0] && <TableNG data={shown[0]} width={width} height={height} timeRange={range} />}
        </div>
      );
  }
}

/** The panel's overrides that match no field of its answer: a name in them is wrong, or they are left over. */
export function idleOverrides({ fieldConfig }: PanelModel, frames: DataFrame[]): unknown[] {
  return fieldConfig.overrides
    .map(({ matcher }) => matcher)
    .filter(({ id, options }) => {
      const matches = fieldMatchers.get(id).get(options);
      return !frames.some((frame) => frame.fields.some((field) => matches(field, frame, frames)));
    });
}

/** The field options that a panel sets and that no panel of Grafana's knows. */
export function unknownOptions({ fieldConfig: { defaults, overrides } }: PanelModel): string[] {
  const { custom = {}, ...plain } = defaults;
  const names = [
    ...Object.keys(plain),
    ...Object.keys(custom).map((name) => `custom.${name}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ];
  return names.filter((name) => !FIELD_CONFIG.getIfExists(name));
}

/** What Grafana adds to a panel that says no colour. */
function withDefaults({ type, fieldConfig }: PanelModel): FieldConfigSource {
  const mode = type === 'timeseries' || type === 'barchart' ? 'palette-classic' : 'thresholds';
  const thresholds = { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }] };
  return { ...fieldConfig, defaults: { color: { mode }, thresholds, ...fieldConfig.defaults } };
}

function Stat({ panel, frames, width, height }: Omit<Props, 'range'>) {
  const theme = useTheme2();
  const { reduceOptions, orientation } = panel.options as { reduceOptions: never; orientation: never };
  return (
    <VizRepeater
      width={width}
      height={height}
      orientation={orientation}
      source={frames}
      autoGrid
      renderCounter={0}
      getValues={() =>
        getFieldDisplayValues({
          data: frames,
          fieldConfig: panel.fieldConfig,
          reduceOptions,
          replaceVariables: (text) => text,
          theme,
          timeZone: 'utc',
        })
      }
      renderValue={({ value, width, height, count }) => (
        <BigValue
          value={value.display}
          width={width}
          height={height}
          theme={theme}
          colorMode={BigValueColorMode.Value}
          graphMode={BigValueGraphMode.None}
          textMode={panel.options?.textMode as never}
          count={count}
          text={panel.options?.text as never}
        />
      )}
    />
  );
}
