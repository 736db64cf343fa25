/** A question as one line, for query history and Explore. */
import type { Filter, Question } from '../types';
import { isComplete, takesMany } from './question';

const words = (name: string | undefined) => (name ?? '').replaceAll('_', ' ');

function filterText({ key, operator, value, values }: Filter): string {
  return takesMany(operator) ? `${key} ${operator} (${(values ?? []).join(', ')})` : `${key} ${operator} ${value}`;
}

function subject(question: Question): string {
  const { metric, statistic, key, table } = question;
  switch (question.kind) {
    case 'metric':
      return [words(metric ?? 'change_lead_time'), statistic].filter(Boolean).join(' ');
    case 'breakdown':
      return ['lead time parts', statistic].filter(Boolean).join(' ');
    case 'distribution':
      return `distribution of ${words(metric ?? 'change_lead_time')}`;
    case 'scorecard':
      return 'scorecard';
    case 'events':
      return `events: ${words(table ?? 'changes')}`;
    case 'annotations':
      return 'annotations';
    case 'values':
      return `values of ${key ?? 'application'}`;
    case 'quality':
      return 'data quality';
    default:
      return String(question.kind);
  }
}

/** `change lead time p50 by application per week where team = payments` */
export function displayText(question: Question): string {
  const filters = (question.filters ?? []).filter(isComplete).map(filterText);
  const rolling = /^rolling:(\d+)$/.exec(question.bucket ?? '');
  return [
    subject(question),
    question.groupBy?.length ? `by ${question.groupBy.join(', ')}` : '',
    question.bucket && !['auto', 'none'].includes(question.bucket)
      ? rolling
        ? `over ${rolling[1]} days`
        : `per ${question.bucket}`
      : '',
    filters.length > 0 ? `where ${filters.join(' and ')}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}
