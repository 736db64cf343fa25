/** Loads the built plugin as Grafana does: an AMD module through SystemJS, its externals the page's own packages. */
import * as emotion from '@emotion/css';
import * as grafanaData from '@grafana/data';
import type { DataSourcePlugin } from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaUi from '@grafana/ui';
import * as React from 'react';
import * as ReactDom from 'react-dom';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';

const SHARED: Record<string, object> = {
  react: React,
  'react-dom': ReactDom,
  rxjs,
  'rxjs/operators': rxjsOperators,
  '@emotion/css': emotion,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/ui': grafanaUi,
};

export const PLUGIN_ID = 'pelorus-dora-datasource';

/** What `module.js` exports. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Plugin = DataSourcePlugin<any, any, any, any>;

export async function loadPlugin(): Promise<Plugin> {
  const names = Object.keys(SHARED);
  System.addImportMap({ imports: Object.fromEntries(names.map((name) => [name, `app:${name}`])) });
  for (const [name, module] of Object.entries(SHARED)) {
    System.set(`app:${name}`, { ...module });
  }
  const address = new URL(`/public/plugins/${PLUGIN_ID}/`, location.href);
  const { plugin } = (await System.import(new URL('module.js', address).href)) as { plugin: Plugin };
  const manifest = await fetch(new URL('plugin.json', address));
  plugin.meta = { ...(await manifest.json()), module: 'module.js', baseUrl: address.pathname };
  return plugin;
}
