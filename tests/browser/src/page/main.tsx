/**
 * A page that stands in for Grafana's: it loads the built plugin and shows one of its parts, named by the address.
 * `?show=config|query|explore|variable|annotation|dashboard&uid=…`
 */
import React from 'react';
import { createTheme, CoreApp, ThemeContext, type DataSourceApi } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { AnnotationPage } from './AnnotationPage';
import { ConfigPage } from './ConfigPage';
import { DashboardPage, type Dashboard } from './DashboardPage';
import { loadPlugin, type Plugin } from './plugin';
import { QueryPage } from './QueryPage';
import { call, connect, startServices, variables, type SavedSource } from './services';
import { VariablePage } from './VariablePage';

async function start() {
  const address = new URLSearchParams(location.search);
  const text = (name: string) => address.get(name) ?? '';
  await initPluginTranslations('page');
  startServices();
  const plugin = await loadPlugin();
  const saved = await call<SavedSource>('GET', `/api/datasources/uid/${text('uid')}`);
  const datasource = connect(plugin.DataSourceClass, saved, plugin.meta);
  for (const [name, value] of address) {
    if (name.startsWith('var-') && text('show') !== 'dashboard') {
      variables.push({ name: name.slice('var-'.length), value });
    }
  }
  const shown = await part(text('show'), plugin, datasource, saved, address);
  const theme = createTheme({ colors: { mode: text('theme') === 'light' ? 'light' : 'dark' } });
  createRoot(document.getElementById('root') as HTMLElement).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <main style={{ padding: 24, background: theme.colors.background.primary, minHeight: '100vh' }}>{shown}</main>
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

async function part(
  show: string,
  plugin: Plugin,
  datasource: DataSourceApi,
  saved: SavedSource,
  address: URLSearchParams
): Promise<React.ReactNode> {
  switch (show) {
    case 'config':
      return <ConfigPage plugin={plugin} saved={saved} />;
    case 'query':
      return <QueryPage plugin={plugin} datasource={datasource} app={CoreApp.PanelEditor} />;
    case 'explore':
      return <QueryPage plugin={plugin} datasource={datasource} app={CoreApp.Explore} />;
    case 'variable':
      return <VariablePage datasource={datasource} />;
    case 'annotation':
      return <AnnotationPage datasource={datasource} />;
    case 'dashboard': {
      const url = `public/plugins/pelorus-dora-datasource/dashboards/${address.get('name')}.json`;
      const dashboard = await call<Dashboard>('GET', url);
      const names = [...address.keys()].filter((name) => name.startsWith('var-'));
      const chosen = Object.fromEntries(names.map((name) => [name.slice('var-'.length), address.getAll(name)]));
      return <DashboardPage datasource={datasource} dashboard={dashboard} chosen={chosen} />;
    }
    default:
      throw new Error(`nothing is called ${show}`);
  }
}

void start();
