/** Dashboard variables into questions. Alert rules never come here: only the frontend knows variables. */
import type { AdHocVariableFilter } from '@grafana/data';
import type { Filter, Question } from '../types';
import { fromAdHoc } from './filters';
import { isComplete, takesMany } from './question';

/** How the host replaces variables; `format` gets each variable's value, a list where several are selected. */
export type Replace = (text: string, format?: string | ((value: string | string[]) => string)) => string;

// Characters no value holds: they fence a variable's several values within the text around it.
const FENCE = '\u0001';
const BETWEEN = '\u0002';

/** Every text that `text` stands for: `team/$app` with two applications selected is two texts. */
export function expand(text: string, replace: Replace): string[] {
  const fenced = replace(text, (value) => {
    const values = (Array.isArray(value) ? value : [value]).map(String);
    return FENCE + values.join(BETWEEN) + FENCE;
  });
  // Odd pieces were between fences: they hold alternatives.
  const texts = fenced.split(FENCE).reduce<string[]>(
    (heads, piece, index) => {
      const tails = index % 2 === 1 ? piece.split(BETWEEN) : [piece];
      return heads.flatMap((head) => tails.map((tail) => head + tail));
    },
    ['']
  );
  return [...new Set(texts)].filter((one) => one !== '' && one !== '$__all');
}

/** The filter with variables filled in. A variable with several values turns `=` into `=|` and `!=` into `!=|`. */
export function interpolateFilter(filter: Filter, replace: Replace): Filter {
  const key = replace(filter.key);
  const { operator } = filter;
  if (takesMany(operator)) {
    return { key, operator, values: [...new Set((filter.values ?? []).flatMap((value) => expand(value, replace)))] };
  }
  if (operator === '=~' || operator === '!~') {
    // Grafana's regex format escapes the values and joins them as (a|b).
    return { key, operator, value: replace(filter.value ?? '', 'regex') };
  }
  const values = expand(filter.value ?? '', replace);
  return values.length > 1 ? { key, operator: `${operator}|`, values } : { key, operator, value: values[0] ?? '' };
}

/**
 * The question as it is sent. Filters that come out empty are left out: an unset variable asks for everything,
 * as it does in Grafana's own data sources.
 */
export function interpolate(question: Question, replace: Replace, adHoc: AdHocVariableFilter[] = []): Question {
  const texts = (['metric', 'statistic', 'bucket', 'timezone', 'table', 'key'] as const).filter((key) => question[key]);
  const replaced = Object.fromEntries(texts.map((key) => [key, replace(question[key] ?? '')]));
  const filters = [
    ...(question.filters ?? []).map((filter) => interpolateFilter(filter, replace)),
    ...adHoc.map(fromAdHoc),
  ].filter(isComplete);
  const groupBy = [...new Set((question.groupBy ?? []).flatMap((key) => expand(key, replace)))];
  const sent: Question = { ...question, ...replaced, groupBy, filters };
  if (groupBy.length === 0) {
    delete sent.groupBy;
  }
  if (filters.length === 0) {
    delete sent.filters;
  }
  return sent;
}

/** The variables a question names, `$app` or `${app}` or `[[app]]`; an expression's `$` at the end is none. */
export function variablesIn(question: Question): string[] {
  const found = JSON.stringify(question).matchAll(/\$(\w+)|\$\{(\w+)[^}]*\}|\[\[(\w+)[^\]]*\]\]/g);
  return [...new Set([...found].map((match) => match[1] ?? match[2] ?? match[3] ?? ''))];
}
