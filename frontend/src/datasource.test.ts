import { type DataQueryRequest, dateTime, type DataSourceInstanceSettings } from '@grafana/data';
import { DataSourceWithBackend } from '@grafana/runtime';
import { of } from 'rxjs';
import { PelorusDataSource } from './datasource';
import type { PelorusOptions, PelorusQuery } from './types';
import { PelorusVariableSupport } from './variables';

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getTemplateSrv: () => ({
    getVariables: () => [],
    replace: (text: string, _: unknown, format?: unknown) =>
      text.replace('$app', () => (typeof format === 'function' ? format(['shop', 'till']) : 'shop,till')),
  }),
}));

const datasource = () =>
  new PelorusDataSource({
    uid: 'dora',
    type: 'pelorus-dora-datasource',
    name: 'Pelorus',
    meta: {},
    jsonData: {},
  } as DataSourceInstanceSettings<PelorusOptions>);

const query = (pelorus?: PelorusQuery['pelorus']): PelorusQuery => ({ refId: 'A', pelorus });

afterEach(() => jest.restoreAllMocks());

test('what goes to the backend has variables and ad hoc filters filled in', () => {
  const asked = query({
    version: 1,
    kind: 'scorecard',
    filters: [{ key: 'application', operator: '=', value: '$app' }],
  });
  const adHoc = [{ key: 'tier', operator: '=', value: 'staging' }];
  expect(datasource().applyTemplateVariables(asked, {}, adHoc)).toEqual({
    refId: 'A',
    pelorus: {
      version: 1,
      kind: 'scorecard',
      filters: [
        { key: 'application', operator: '=|', values: ['shop', 'till'] },
        { key: 'tier', operator: '=', value: 'staging' },
      ],
    },
  });
});

test('a query taken to Explore knows its data source', () => {
  const asked = query({ version: 1, kind: 'metric', metric: 'deployments', groupBy: ['$app'] });
  expect(datasource().interpolateVariablesInQueries([asked], {})).toEqual([
    {
      refId: 'A',
      datasource: { type: 'pelorus-dora-datasource', uid: 'dora' },
      pelorus: { version: 1, kind: 'metric', metric: 'deployments', groupBy: ['shop', 'till'] },
    },
  ]);
});

test('a query without a question asks the default one', () => {
  expect(datasource().filterQuery(query())).toBe(true);
  expect(datasource().getQueryDisplayText(query())).toBe('change lead time p50');
});

test('hidden queries and those without a metric do not run', () => {
  expect(datasource().filterQuery({ ...query(), hide: true })).toBe(false);
  expect(datasource().filterQuery(query({ version: 1, kind: 'metric', metric: '' }))).toBe(false);
  expect(datasource().filterQuery(query({ version: 1, kind: 'scorecard', metric: '' }))).toBe(true);
});

test('ad hoc keys and values come from the backend, values within the range and the other filters', async () => {
  jest
    .spyOn(DataSourceWithBackend.prototype, 'getResource')
    .mockResolvedValue({ filterKeys: ['team', 'tier', 'label:<name>'] });
  const post = jest
    .spyOn(DataSourceWithBackend.prototype, 'postResource')
    .mockResolvedValue({ values: [{ text: 'payments', value: 'payments' }] });
  const source = datasource();
  const from = dateTime('2026-01-01T00:00:00Z');
  const to = dateTime('2026-02-01T00:00:00Z');

  expect(await source.getTagKeys()).toEqual([
    { text: 'team', value: 'team' },
    { text: 'tier', value: 'tier' },
  ]);
  const values = await source.getTagValues({
    key: 'team',
    filters: [
      { key: 'tier', operator: '=', value: 'production' },
      { key: 'team', operator: '=', value: 'search' },
    ],
    timeRange: { from, to, raw: { from, to } },
  });

  expect(values).toEqual([{ text: 'payments', value: 'payments' }]);
  expect(post.mock.calls[0]?.slice(0, 2)).toEqual([
    'values',
    {
      key: 'team',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-02-01T00:00:00.000Z',
      filters: [{ key: 'tier', operator: '=', value: 'production' }],
    },
  ]);
});

test('a catalog that could not be had is asked for again', async () => {
  const get = jest.spyOn(DataSourceWithBackend.prototype, 'getResource');
  get.mockRejectedValueOnce(new Error('plugin unavailable')).mockResolvedValueOnce({ metrics: [] });
  const source = datasource();
  await expect(source.catalog()).rejects.toThrow('plugin unavailable');
  await expect(source.catalog()).resolves.toEqual({ metrics: [] });
});

test('a variable asks for values, whatever its stored query is', () => {
  const source = datasource();
  const run = jest.spyOn(source, 'query').mockReturnValue(of({ data: [] }));
  const targets = [
    { refId: '', pelorus: { version: 1, kind: 'values', key: 'team' } },
    { refId: 'B', pelorus: { version: 1, kind: 'metric', metric: 'deployments' } },
  ];
  new PelorusVariableSupport(source).query({ targets } as unknown as DataQueryRequest<PelorusQuery>);
  expect(run.mock.calls[0]?.[0].targets).toEqual([
    { refId: 'Variable', pelorus: { version: 1, kind: 'values', key: 'team' } },
    { refId: 'B', pelorus: { version: 1, kind: 'values', key: 'application' } },
  ]);
});

test('an annotation asks for annotations and keeps its filters', () => {
  const target = query({
    version: 1,
    kind: 'metric',
    metric: 'deployments',
    filters: [{ key: 'team', operator: '=', value: 'payments' }],
  });
  const prepared = datasource().annotations?.prepareQuery?.({
    name: 'Deployments',
    enable: true,
    iconColor: 'red',
    target,
  });
  expect(prepared).toEqual({
    refId: 'A',
    pelorus: { version: 1, kind: 'annotations', filters: [{ key: 'team', operator: '=', value: 'payments' }] },
  });
});
