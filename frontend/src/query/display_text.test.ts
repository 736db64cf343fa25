import type { Question } from '../types';
import { displayText } from './display_text';

test.each<[string, Omit<Question, 'version'>]>([
  [
    'change lead time p50 by application per week where team = payments',
    {
      kind: 'metric',
      metric: 'change_lead_time',
      statistic: 'p50',
      bucket: 'week',
      groupBy: ['application'],
      filters: [{ key: 'team', operator: '=', value: 'payments' }],
    },
  ],
  ['deployment frequency over 30 days', { kind: 'metric', metric: 'deployment_frequency', bucket: 'rolling:30' }],
  ['change lead time', { kind: 'metric', bucket: 'auto' }],
  ['lead time parts mean by team, cluster', { kind: 'breakdown', statistic: 'mean', groupBy: ['team', 'cluster'] }],
  ['distribution of batch size', { kind: 'distribution', metric: 'batch_size' }],
  ['scorecard by team', { kind: 'scorecard', groupBy: ['team'] }],
  [
    'events: pull requests where application =| (shop, till) and outcome != failed',
    {
      kind: 'events',
      table: 'pull_requests',
      filters: [
        { key: 'application', operator: '=|', values: ['shop', 'till'] },
        { key: 'outcome', operator: '!=', value: 'failed' },
      ],
    },
  ],
  ['values of label:tier', { kind: 'values', key: 'label:tier' }],
  ['annotations', { kind: 'annotations' }],
  ['data quality', { kind: 'quality' }],
])('reads: %s', (text, question) => {
  expect(displayText({ version: 1, ...question })).toBe(text);
});
