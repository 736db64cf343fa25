import { CoreApp } from '@grafana/data';
import type { MetricDescription } from '../resources';
import type { Question } from '../types';
import { defaultQuestion, pruned, switchKind, withMetric } from './question';

const metrics: MetricDescription[] = [
  {
    name: 'change_lead_time',
    title: 'Change lead time',
    outcome: 'software delivery performance',
    unit: 's',
    statistics: ['p50', 'p90', 'mean'],
    defaultStatistic: 'p50',
    help: '',
  },
  {
    name: 'time_to_restore',
    title: 'Time to restore',
    outcome: 'product quality and sustainability',
    unit: 's',
    statistics: ['p50', 'p90', 'mean'],
    defaultStatistic: 'p50',
    help: '',
  },
  {
    name: 'change_fail_rate',
    title: 'Change fail rate',
    outcome: 'software delivery performance',
    unit: 'percentunit',
    statistics: ['value'],
    defaultStatistic: 'value',
    help: '',
  },
];

const leadTime: Question = {
  version: 1,
  kind: 'metric',
  metric: 'change_lead_time',
  statistic: 'p90',
  bucket: 'week',
  groupBy: ['team'],
  filters: [{ key: 'team', operator: '=', value: 'payments' }],
};

test('an alert rule starts with one number per application', () => {
  expect(defaultQuestion(CoreApp.UnifiedAlerting)).toEqual({
    version: 1,
    kind: 'metric',
    metric: 'change_lead_time',
    statistic: 'p50',
    groupBy: ['application'],
    bucket: 'none',
  });
});

test('a panel starts with a line that answers at once', () => {
  expect(defaultQuestion(CoreApp.PanelEditor)).toEqual({
    version: 1,
    kind: 'metric',
    metric: 'change_lead_time',
    statistic: 'p50',
    bucket: 'auto',
  });
});

test('another kind keeps what both take and drops the rest', () => {
  expect(switchKind(leadTime, 'scorecard')).toEqual({
    version: 1,
    kind: 'scorecard',
    groupBy: ['team'],
    filters: [{ key: 'team', operator: '=', value: 'payments' }],
  });
});

test('the way back to a kind finds what it held', () => {
  const events = switchKind(leadTime, 'events', leadTime);
  expect(events).toEqual({ version: 1, kind: 'events', table: 'changes', filters: leadTime.filters });
  expect(switchKind(events, 'metric', { ...leadTime, ...events })).toEqual(leadTime);
});

test('a filter changed meanwhile is not undone on the way back', () => {
  const changed: Question = { version: 1, kind: 'events', filters: [{ key: 'team', operator: '=', value: 'search' }] };
  expect(switchKind(changed, 'metric', leadTime).filters).toEqual([{ key: 'team', operator: '=', value: 'search' }]);
});

test("a breakdown does not inherit a rate's statistic", () => {
  const rate: Question = { version: 1, kind: 'metric', metric: 'change_fail_rate', statistic: 'value' };
  expect(switchKind(rate, 'breakdown')).toEqual({ version: 1, kind: 'breakdown' });
});

test('a statistic both metrics have stays, another gives way to the default', () => {
  expect(withMetric(leadTime, 'time_to_restore', metrics).statistic).toBe('p90');
  expect(withMetric(leadTime, 'change_fail_rate', metrics).statistic).toBe('value');
});

test('unset keys, empty lists and false are not stored', () => {
  const question: Question = {
    ...leadTime,
    filters: [],
    includeMerges: false,
    timezone: '',
    limit: undefined,
    table: 'changes',
  };
  expect(pruned(question)).toEqual({
    version: 1,
    kind: 'metric',
    metric: 'change_lead_time',
    statistic: 'p90',
    bucket: 'week',
    groupBy: ['team'],
  });
});

test('a key of a newer version survives an edit', () => {
  const newer = { ...leadTime, mode: 'devlake' } as Question;
  expect(pruned(newer)).toEqual(newer);
});
