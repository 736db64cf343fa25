/** Options of the query editor's comboboxes. */
import type { ComboboxOption } from '@grafana/ui';
import { getTemplateSrv } from '@grafana/runtime';
import type { MetricDescription } from '../resources';

const TITLES: Record<string, string> = {
  none: 'None (one number)',
  p50: 'p50 (median)',
  'rolling:7': 'Rolling, 7 days',
  'rolling:30': 'Rolling, 30 days',
  'rolling:90': 'Rolling, 90 days',
  '=|': '=| (one of)',
  '!=|': '!=| (none of)',
  '=~': '=~ (matches)',
  '!~': '!~ (does not match)',
};

/** `pull_requests` as people read it: `Pull requests`. */
export function title(word: string): string {
  const spaced = word.replaceAll('_', ' ');
  if (/^p\d+$/.test(word)) {
    return TITLES[word] ?? word;
  }
  return TITLES[word] ?? spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export function optionsOf(words: string[]): Array<ComboboxOption<string>> {
  return words.map((word) => ({ value: word, label: title(word) }));
}

/** Words that are the value itself, such as keys and names. */
export function plainOptions(words: string[]): Array<ComboboxOption<string>> {
  return words.map((word) => ({ value: word, label: word }));
}

/** Buckets; the parameter of `rolling:<days>` gets its usual values, others can be typed. */
export function bucketOptions(buckets: string[]): Array<ComboboxOption<string>> {
  const fixed = buckets.filter((bucket) => !bucket.startsWith('rolling'));
  return optionsOf([...fixed, 'rolling:7', 'rolling:30', 'rolling:90']);
}

/** Keys; `label:<name>` stands for what people type themselves. */
export function keyOptions(keys: string[]): Array<ComboboxOption<string>> {
  return plainOptions(keys.filter((key) => !key.includes('<')));
}

/** Metrics by outcome, in the backend's order within each, since groups must be contiguous. */
export function metricOptions(metrics: MetricDescription[]): Array<ComboboxOption<string>> {
  const outcomes = [...new Set(metrics.map((metric) => metric.outcome))];
  return outcomes.flatMap((outcome) =>
    metrics
      .filter((metric) => metric.outcome === outcome)
      .map(({ name, title, help }) => ({ value: name, label: title, description: help, group: outcome }))
  );
}

/** The dashboard's variables, to be chosen like values. */
export function variableOptions(): Array<ComboboxOption<string>> {
  return getTemplateSrv()
    .getVariables()
    .map(({ name }) => ({ value: `$${name}`, label: `$${name}`, description: 'Dashboard variable' }));
}

/** What contains the typed text, case ignored. */
export function matching(options: Array<ComboboxOption<string>>, typed: string): Array<ComboboxOption<string>> {
  const needle = typed.trim().toLowerCase();
  return options.filter(({ label, value }) => `${label ?? ''} ${value}`.toLowerCase().includes(needle));
}
