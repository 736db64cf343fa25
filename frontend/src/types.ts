/**
 * What is stored: the query (nested under `pelorus`, since Grafana reserves many top-level keys) and the settings.
 * Rust owns both contracts; nothing here validates what Rust validates.
 */
import type { DataSourceJsonData } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

export type QueryKind =
  'metric' | 'breakdown' | 'distribution' | 'scorecard' | 'events' | 'annotations' | 'values' | 'quality';

/** `values` belongs to `=|` and `!=|` only, `value` to all others. */
export interface Filter {
  key: string;
  operator: string;
  value?: string;
  values?: string[];
}

export interface Question {
  version: 1;
  kind: QueryKind;
  metric?: string;
  statistic?: string;
  groupBy?: string[];
  filters?: Filter[];
  bucket?: string;
  timezone?: string;
  weekStart?: string;
  compare?: 'previous_period';
  limit?: number;
  leadTimeFrom?: string;
  changeUnit?: string;
  includeMerges?: boolean;
  userFacing?: boolean;
  bandsYear?: number;
  partial?: string;
  table?: string;
  key?: string;
}

export interface PelorusQuery extends DataQuery {
  pelorus?: Question;
}

/** A configured source; beside these two keys it holds what its kind's fields say. */
export interface Source {
  name: string;
  kind: string;
  [field: string]: unknown;
}

export interface ApplicationRule {
  name?: string;
  repositories?: string[];
  paths?: string[];
  images?: string[];
  clusters?: string[];
  namespaces?: string[];
  workloads?: string[];
  labels?: Record<string, string | string[]>;
  projects?: string[];
  components?: string[];
}

export interface DeploymentRule {
  from?: string;
  repositories?: string[];
  match?: string;
  environment?: string;
}

export interface EnvironmentRule {
  match?: string;
  clusters?: string[];
  namespaces?: string[];
  name?: string;
  tier?: string;
}

export interface PelorusOptions extends DataSourceJsonData {
  sources?: Source[];
  applications?: ApplicationRule[];
  deployments?: DeploymentRule[];
  environments?: EnvironmentRule[];
  [setting: string]: unknown;
}

/** Keys are `<source name>__<field>`; Grafana never sends the values back. */
export type PelorusSecrets = Record<string, string>;
