import { DataSourcePlugin } from '@grafana/data';
import { ConfigEditor } from './config/ConfigEditor';
import { PelorusDataSource } from './datasource';
import { CheatSheet } from './query/CheatSheet';
import { QueryEditor } from './query/QueryEditor';
import type { PelorusOptions, PelorusQuery, PelorusSecrets } from './types';

export const plugin = new DataSourcePlugin<PelorusDataSource, PelorusQuery, PelorusOptions, PelorusSecrets>(
  PelorusDataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(CheatSheet);
