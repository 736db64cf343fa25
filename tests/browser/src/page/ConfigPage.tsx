import React, { useState } from 'react';
import type { HealthCheckError, HealthCheckResultDetails } from '@grafana/runtime';
import { Alert, Button, Stack, Text } from '@grafana/ui';
import type { Plugin } from './plugin';
import { call, connect, type SavedSource } from './services';
import { Shown } from './Shown';

interface Props {
  plugin: Plugin;
  saved: SavedSource;
}

interface Health {
  good: boolean;
  message: string;
  details?: HealthCheckResultDetails;
}

/** A data source's settings page: the plugin's editor, and what "Save & test" says. */
export function ConfigPage({ plugin, saved }: Props) {
  const [options, setOptions] = useState(saved);
  const [health, setHealth] = useState<Health>();
  const Editor = plugin.components.ConfigEditor;

  const saveAndTest = async () => {
    setHealth(undefined);
    const { datasource } = await call<{ datasource: SavedSource }>(
      'PUT',
      `/api/datasources/uid/${options.uid}`,
      options
    );
    setOptions(datasource);
    try {
      const instance = connect(plugin.DataSourceClass, datasource, plugin.meta);
      const { status, message } = await instance.testDatasource();
      setHealth({ good: status !== 'error', message });
    } catch (failure) {
      // What @grafana/runtime rejects with where the plugin says no.
      const { message, error } = failure as { message: string; error?: HealthCheckError };
      setHealth({ good: false, message, details: error?.details });
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void saveAndTest();
      }}
    >
      <Stack direction="column" gap={3}>
        <Text element="h1">{options.name}</Text>
        {Editor && <Editor options={options as never} onOptionsChange={setOptions as never} />}
        {health && (
          <Alert title={health.message} severity={health.good ? 'success' : 'error'}>
            {typeof health.details?.verboseMessage === 'string' && <pre>{health.details.verboseMessage}</pre>}
          </Alert>
        )}
        <div>
          <Button type="submit">Save &amp; test</Button>
        </div>
      </Stack>
      <Shown as="settings" value={options} />
    </form>
  );
}
