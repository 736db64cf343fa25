/** Questions as data: which keys belong to which kind, defaults, and changes that keep a question valid. */
import { CoreApp } from '@grafana/data';
import type { Catalog, MetricDescription } from '../resources';
import type { Filter, PelorusQuery, QueryKind, Question } from '../types';

type QuestionKey = Exclude<keyof Question, 'version' | 'kind'>;

const CHANGES: QuestionKey[] = ['leadTimeFrom', 'changeUnit', 'includeMerges'];
const CALENDAR: QuestionKey[] = ['timezone', 'weekStart'];

/** The keys that mean something to a kind. A stored question holds no others. */
const KEYS: Record<QueryKind, QuestionKey[]> = {
  metric: [
    ...(['metric', 'statistic', 'bucket', 'groupBy', 'filters', 'compare', 'limit'] as const),
    ...CALENDAR,
    ...CHANGES,
    'userFacing',
    'partial',
  ],
  breakdown: ['statistic', 'groupBy', 'filters', 'limit', ...CHANGES, 'partial'],
  distribution: ['metric', 'groupBy', 'filters', 'limit', ...CHANGES, 'userFacing', 'partial'],
  scorecard: ['groupBy', 'filters', 'limit', ...CALENDAR, ...CHANGES, 'userFacing', 'bandsYear', 'partial'],
  events: ['table', 'filters', 'limit', ...CHANGES, 'userFacing', 'partial'],
  annotations: ['filters', 'limit', 'userFacing', 'partial'],
  values: ['key', 'filters', 'limit'],
  quality: ['filters', 'limit', 'partial'],
};

const KNOWN = new Set<string>(Object.values(KEYS).flat());

export function takes(kind: QueryKind, key: QuestionKey): boolean {
  return KEYS[kind]?.includes(key) ?? false;
}

/** The question a query starts with, so that a new panel answers at once. */
export function defaultQuestion(app?: CoreApp | string): Question {
  const question: Question = { version: 1, kind: 'metric', metric: 'change_lead_time', statistic: 'p50' };
  switch (app) {
    case CoreApp.UnifiedAlerting:
    case CoreApp.CloudAlerting:
      // An alert rule compares one number per application with a threshold.
      return { ...question, groupBy: ['application'], bucket: 'none' };
    case CoreApp.Explore:
      return { ...question, groupBy: ['application'], bucket: 'auto' };
    default:
      return { ...question, bucket: 'auto' };
  }
}

/** The stored question, or the default where a query has none (a dashboard written by hand, another data source's query). */
export function questionOf(query: PelorusQuery, app?: CoreApp | string): Question {
  return query.pelorus ? { ...query.pelorus, version: 1, kind: query.pelorus.kind ?? 'metric' } : defaultQuestion(app);
}

/**
 * Leaves out what the kind does not take and what says nothing: unset keys, empty lists, `false`.
 * Otherwise a panel that once was a scorecard would carry keys nobody sees in the editor any more.
 * Keys this editor has never heard of stay: a newer version, or a hand, wrote them.
 */
export function pruned(question: Question): Question {
  const entries = Object.entries(question).filter(([key, value]) => {
    if (key === 'version' || key === 'kind') {
      return true;
    }
    const empty = value == null || value === '' || value === false || (Array.isArray(value) && value.length === 0);
    return !empty && (!KNOWN.has(key) || takes(question.kind, key as QuestionKey));
  });
  return Object.fromEntries(entries) as unknown as Question;
}

/**
 * The question after a switch of kind: keys both kinds take stay, the new kind's other keys come back from
 * `remembered` (what this editor last held for them), and what the kind cannot do without gets its default.
 */
export function switchKind(question: Question, kind: QueryKind, remembered: Partial<Question> = {}): Question {
  const next: Question = { ...remembered, ...question, version: 1, kind };
  if (takes(kind, 'metric')) {
    next.metric ??= 'change_lead_time';
  }
  if (kind === 'metric') {
    next.bucket ??= 'auto';
  }
  if (kind === 'breakdown' && question.kind !== 'breakdown') {
    // The statistic of another kind belongs to its metric; `value` of a rate, say, means nothing to the parts.
    delete next.statistic;
  }
  if (kind === 'events') {
    next.table ??= 'changes';
  }
  if (kind === 'values') {
    next.key ??= 'application';
  }
  return pruned(next);
}

/** The question with another metric; a statistic the metric does not have gives way to the metric's default. */
export function withMetric(question: Question, name: string, metrics: MetricDescription[]): Question {
  const metric = metrics.find((candidate) => candidate.name === name);
  const fits = question.statistic && (!metric || metric.statistics.includes(question.statistic));
  return pruned({ ...question, metric: name, statistic: fits ? question.statistic : metric?.defaultStatistic });
}

/** The statistics to choose from: the metric's, or those of durations for the lead time's parts. */
export function statisticsOf(question: Question, catalog: Catalog): string[] {
  const name = question.kind === 'breakdown' ? 'change_lead_time' : question.metric;
  const metric = catalog.metrics.find((candidate) => candidate.name === name);
  return metric?.statistics ?? ['p50', 'p75', 'p90', 'p95', 'mean', 'min', 'max', 'sum', 'count', 'value'];
}

/** Filters that can be asked: while a row is being filled in, panels keep what they show. */
export function isComplete(filter: Filter): boolean {
  return Boolean(filter.key) && (takesMany(filter.operator) ? (filter.values ?? []).length > 0 : Boolean(filter.value));
}

/** Whether an operator compares with a list. */
export function takesMany(operator: string): boolean {
  return operator === '=|' || operator === '!=|';
}
