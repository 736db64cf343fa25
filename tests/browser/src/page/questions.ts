/** Runs queries through the plugin's own data source, as Grafana's panels, variables and annotations do. */
import {
  CoreApp,
  type DataFrame,
  type DataQuery,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type TimeRange,
} from '@grafana/data';
import { from, lastValueFrom } from 'rxjs';

export interface Answer {
  frames: DataFrame[];
  errors: string[];
}

/** What of an answer a test can look at. */
export function summaryOf({ frames, errors }: Answer) {
  return {
    errors,
    frames: frames.map((frame) => ({
      refId: frame.refId,
      type: frame.meta?.type,
      rows: frame.length,
      notices: frame.meta?.notices?.map(({ text }) => text),
      fields: frame.fields.map(({ name, type, labels, config, values }) => ({
        name,
        type,
        labels,
        unit: config.unit,
        known: values.filter((value) => value != null).length,
        values: values.slice(0, 20),
      })),
    })),
  };
}

export function requestFor<Query extends DataQuery>(
  targets: Query[],
  range: TimeRange,
  app: CoreApp
): DataQueryRequest<Query> {
  return {
    app,
    targets,
    range,
    requestId: 'page',
    timezone: 'utc',
    interval: '1d',
    intervalMs: 86_400_000,
    maxDataPoints: 1000,
    scopedVars: {},
    startTime: Date.now(),
    filters: [],
  };
}

export async function ask(
  datasource: DataSourceApi,
  targets: DataQuery[],
  range: TimeRange,
  app: CoreApp
): Promise<Answer> {
  return answerOf(await lastValueFrom(from(datasource.query(requestFor(targets, range, app)))));
}

export function answerOf({ data, errors, error }: DataQueryResponse): Answer {
  const all = errors ?? (error ? [error] : []);
  return { frames: data as DataFrame[], errors: all.map(({ message }) => message ?? 'an error without a message') };
}
