/** The answers of the plugin's resource endpoints, as Rust writes them. */
import type { QueryKind } from './types';

export type FieldType = 'text' | 'secret' | 'integer' | 'duration' | 'boolean' | 'choice' | 'text_list';

/** One setting, described once in Rust. */
export interface FieldDescription {
  key: string;
  title: string;
  type: FieldType;
  required: boolean;
  default?: unknown;
  unit?: string | null;
  choices?: Array<{ value: string; title: string }>;
  help?: string;
  placeholder?: string;
}

export interface SourceKind {
  name: string;
  group: string;
  title: string;
  help: string;
  fields: FieldDescription[];
}

export interface KindsAnswer {
  kinds: SourceKind[];
  settings: FieldDescription[];
}

export interface MetricDescription {
  name: string;
  title: string;
  outcome: string;
  unit: string;
  statistics: string[];
  defaultStatistic: string;
  help: string;
}

/** Everything the query editor offers. */
export interface Catalog {
  metrics: MetricDescription[];
  kinds: Array<{ name: QueryKind; title: string; help: string }>;
  groupBy: string[];
  buckets: string[];
  filterKeys: string[];
  operators: string[];
  tables: string[];
  bandsYears: number[];
  leadTimeFrom: string[];
  changeUnits: string[];
}

export interface ValuesAnswer {
  values: Array<{ text: string; value: string }>;
}

export interface SourceState {
  name: string;
  kind: string;
  events: number;
  covered: Array<{ from: string; to: string }>;
  lastSync: string | null;
  syncing: boolean;
  /** Done and total pages or units of the reading under way, the total where it is known. */
  progress?: { done: number; total: number | null } | null;
  error: string | null;
}

export interface CheckResult {
  source: string;
  kind: string;
  ok: boolean;
  message: string;
  advice: string | null;
  /** How far the source has been read, in one sentence. */
  reading?: string | null;
}

/** The sentence a failed call leaves for people: the backend's own, else what the browser knows. */
export function failureSentence(failure: unknown): string {
  if (typeof failure === 'object' && failure !== null) {
    const { data, message, statusText } = failure as {
      data?: { error?: unknown; message?: unknown };
      message?: unknown;
      statusText?: unknown;
    };
    const sentence = [data?.error, data?.message, message, statusText].find((text) => typeof text === 'string' && text);
    if (sentence) {
      return String(sentence);
    }
  }
  return typeof failure === 'string' && failure ? failure : 'the plugin gave no reason';
}
