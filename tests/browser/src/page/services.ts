/** What Grafana gives @grafana/runtime when it starts, with the bridge as the server behind it. */
import {
  rangeUtil,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type TimeRange,
  type TypedVariableModel,
} from '@grafana/data';
import {
  setBackendSrv,
  setDataSourceSrv,
  setEchoSrv,
  setTemplateSrv,
  type BackendSrv,
  type BackendSrvRequest,
  type FetchResponse,
  type TemplateSrv,
} from '@grafana/runtime';
import { from, type Observable } from 'rxjs';
import { replaceVariables, type Format, type Variable } from './variables';

/** The data source as it is saved. Secrets are known by name only. */
export interface SavedSource {
  uid: string;
  name: string;
  type: string;
  version: number;
  jsonData: DataSourceJsonData;
  secureJsonFields: Record<string, boolean>;
  [key: string]: unknown;
}

type PluginClass = new (settings: DataSourceInstanceSettings) => DataSourceApi;

/** The variables of the page that is shown. */
export const variables: Variable[] = [];

export function startServices() {
  setBackendSrv({ fetch: request } as BackendSrv);
  setTemplateSrv(templates);
  setEchoSrv({ flush: () => undefined, addBackend: () => undefined, addEvent: () => undefined });
}

/** Makes the saved data source the one that Grafana knows; gives its instance. */
export function connect(Plugin: PluginClass, saved: SavedSource, meta: unknown): DataSourceApi {
  const settings = { ...saved, id: 1, access: 'proxy', meta, readOnly: false } as unknown as DataSourceInstanceSettings;
  const instance = new Plugin(settings);
  instance.meta = settings.meta;
  setDataSourceSrv({
    get: async () => instance,
    getList: () => [settings],
    getInstanceSettings: () => settings,
    reload: () => undefined,
  } as unknown as Parameters<typeof setDataSourceSrv>[0]);
  return instance;
}

/** A call of the server's own interface. */
export async function call<T>(method: string, url: string, body?: unknown): Promise<T> {
  const { data } = await send<T>({ method, url, data: body });
  return data;
}

/** `now-90d` to `now`, as the browser's clock has it. */
export function rangeOf(raw: { from: string; to: string }): TimeRange {
  return rangeUtil.convertRawToRange(raw, 'utc');
}

/** The range of the pages that have none of their own. */
export const QUARTER = { from: 'now-90d', to: 'now' };

const templates: TemplateSrv = {
  getVariables: () => variables.map(({ name }) => ({ name }) as TypedVariableModel),
  replace: (text, scoped, format) => replaceVariables(text ?? '', variables, scoped, format as Format),
  containsTemplate: (text) => replaceVariables(text ?? '', variables) !== text,
  updateTimeRange: () => undefined,
};

function request<T>(options: BackendSrvRequest): Observable<FetchResponse<T>> {
  return from(send<T>(options));
}

async function send<T>(options: BackendSrvRequest): Promise<FetchResponse<T>> {
  const query = options.params ? `?${new URLSearchParams(options.params)}` : '';
  const response = await fetch(`/${options.url.replace(/^\//, '')}${query}`, {
    method: options.method ?? 'GET',
    headers: { 'Content-Type': 'application/json', ...options.headers },
    body: options.data === undefined ? undefined : JSON.stringify(options.data),
  });
  const text = await response.text();
  const data = text ? JSON.parse(text) : undefined;
  const { status, statusText, ok, headers, redirected, type, url } = response;
  if (!ok) {
    // The form of Grafana's FetchError.
    throw { status, statusText, data, config: options };
  }
  return { status, statusText, ok, headers, redirected, type, url, data, config: options };
}
