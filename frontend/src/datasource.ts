/** The data source Grafana talks to. Queries run in Rust; here variables are filled in and editors find their lists. */
import {
  CoreApp,
  type AdHocVariableFilter,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type MetricFindValue,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import { annotationSupport } from './annotations';
import { displayText } from './query/display_text';
import { fromAdHoc } from './query/filters';
import { interpolate } from './query/interpolate';
import { defaultQuestion, isComplete, questionOf, takes } from './query/question';
import type { Catalog, CheckResult, KindsAnswer, SourceState, ValuesAnswer } from './resources';
import type { Filter, PelorusOptions, PelorusQuery } from './types';
import { PelorusVariableSupport } from './variables';

// Editors show failures in place; Grafana's pop-up would say them twice.
const QUIETLY = { showErrorAlert: false };

export class PelorusDataSource extends DataSourceWithBackend<PelorusQuery, PelorusOptions> {
  private catalogAnswer?: Promise<Catalog>;

  constructor(settings: DataSourceInstanceSettings<PelorusOptions>) {
    super(settings);
    this.annotations = annotationSupport;
    this.variables = new PelorusVariableSupport(this);
  }

  getDefaultQuery(app: CoreApp): Partial<PelorusQuery> {
    return { pelorus: defaultQuestion(app) };
  }

  /** Rust defaults what is missing, so only hidden queries and those emptied on purpose stay behind. */
  filterQuery(query: PelorusQuery): boolean {
    const question = questionOf(query);
    const emptied = (key: 'metric' | 'key') => takes(question.kind, key) && question[key] === '';
    return !query.hide && !emptied('metric') && !emptied('key');
  }

  applyTemplateVariables(query: PelorusQuery, scopedVars: ScopedVars, filters?: AdHocVariableFilter[]): PelorusQuery {
    const templates = getTemplateSrv();
    const replace = (text: string, format?: string | ((value: string | string[]) => string)) =>
      templates.replace(text, scopedVars, format);
    return { ...query, pelorus: interpolate(questionOf(query), replace, filters) };
  }

  interpolateVariablesInQueries(
    queries: PelorusQuery[],
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[]
  ): PelorusQuery[] {
    return queries.map((query) => ({
      ...this.applyTemplateVariables(query, scopedVars, filters),
      datasource: this.getRef(),
    }));
  }

  getQueryDisplayText(query: PelorusQuery): string {
    return displayText(questionOf(query));
  }

  async getTagKeys(): Promise<MetricFindValue[]> {
    const { filterKeys } = await this.catalog();
    // `label:<name>` is a form of key, no key.
    return filterKeys.filter((key) => !key.includes('<')).map((key) => ({ text: key, value: key }));
  }

  async getTagValues({
    key,
    filters,
    timeRange,
  }: DataSourceGetTagValuesOptions<PelorusQuery>): Promise<MetricFindValue[]> {
    return this.values(key, timeRange, filters.map(fromAdHoc));
  }

  /** What the query editor offers. Asked once; after a failure the next caller asks again. */
  catalog(): Promise<Catalog> {
    this.catalogAnswer ??= this.getResource<Catalog>('metrics', undefined, QUIETLY).catch((failure) => {
      this.catalogAnswer = undefined;
      throw failure;
    });
    return this.catalogAnswer;
  }

  /** The values a key has in a range, among what `filters` leave. */
  async values(
    key: string,
    range?: TimeRange,
    filters: Filter[] = []
  ): Promise<Array<{ text: string; value: string }>> {
    const request = {
      key,
      ...(range && { from: range.from.toISOString(), to: range.to.toISOString() }),
      filters: filters.filter((filter) => filter.key !== key && isComplete(filter)),
    };
    const answer = await this.postResource<ValuesAnswer>('values', request, QUIETLY);
    return answer.values;
  }

  kinds(): Promise<KindsAnswer> {
    return this.getResource<KindsAnswer>('kinds', undefined, QUIETLY);
  }

  async sources(): Promise<SourceState[]> {
    const answer = await this.getResource<{ sources: SourceState[] }>('sources', undefined, QUIETLY);
    return answer.sources;
  }

  async check(source?: string): Promise<CheckResult[]> {
    const answer = await this.postResource<{ checks: CheckResult[] }>('check', source ? { source } : {}, QUIETLY);
    return answer.checks;
  }

  async sync(source?: string): Promise<string[]> {
    const answer = await this.postResource<{ started: string[] }>('sync', source ? { source } : {}, QUIETLY);
    return answer.started;
  }
}
