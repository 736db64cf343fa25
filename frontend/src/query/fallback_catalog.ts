/**
 * What the editor offers while the backend cannot be asked: the words of the query contract, without metrics.
 * A query can still be written, and opened dashboards keep their settings.
 */
import type { Catalog } from '../resources';

export const FALLBACK_CATALOG: Catalog = {
  metrics: [],
  kinds: [
    { name: 'metric', title: 'Metric', help: 'One metric over time, or one number.' },
    { name: 'breakdown', title: 'Lead time breakdown', help: 'The parts of the lead time.' },
    { name: 'distribution', title: 'Distribution', help: "A histogram of a metric's values." },
    { name: 'scorecard', title: 'Scorecard', help: 'The five keys with band, trend and n.' },
    { name: 'events', title: 'Events', help: 'The rows behind the numbers.' },
    { name: 'annotations', title: 'Annotations', help: 'Deployments and incidents as marks on panels.' },
    { name: 'values', title: 'Values', help: 'The values of a key, for variables.' },
    {
      name: 'quality',
      title: 'Data quality',
      help: 'What each source covers and until when; what is unlinked, shadowed or odd.',
    },
  ],
  groupBy: ['application', 'team', 'repository', 'environment', 'cluster', 'author'],
  buckets: ['auto', 'hour', 'day', 'week', 'month', 'quarter', 'none'],
  filterKeys: [
    ...['application', 'team', 'repository', 'environment', 'cluster', 'author'],
    ...['tier', 'severity', 'outcome', 'rule'],
  ],
  operators: ['=', '!=', '=~', '!~', '=|', '!=|'],
  tables: ['changes', 'deployments', 'incidents', 'pull_requests'],
  bandsYears: [2021, 2022, 2023, 2024],
  leadTimeFrom: ['committed', 'landed', 'authored', 'pull_request_opened', 'merged'],
  changeUnits: ['commit', 'pull_request'],
};
