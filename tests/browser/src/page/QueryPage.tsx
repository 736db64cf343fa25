import React, { useState } from 'react';
import { CoreApp, LoadingState, type DataQuery, type DataSourceApi, type PanelData } from '@grafana/data';
import { Alert, Button, Stack, Text } from '@grafana/ui';
import { Panel } from './Panel';
import type { Plugin } from './plugin';
import { ask, summaryOf, type Answer } from './questions';
import { QUARTER, rangeOf } from './services';
import { Shown } from './Shown';

interface Props {
  plugin: Plugin;
  datasource: DataSourceApi;
  app: CoreApp;
}

/** A query's editor in a panel or in Explore, with what it answers below. */
export function QueryPage({ plugin, datasource, app }: Props) {
  const range = rangeOf(QUARTER);
  const [query, setQuery] = useState<DataQuery>({ refId: 'A', ...datasource.getDefaultQuery?.(app) });
  const [answer, setAnswer] = useState<Answer>();
  const [runs, setRuns] = useState(0);
  // An editor changes the query and runs it in one go: what runs is the newest, not what was drawn last.
  const newest = React.useRef(query);
  const change = (changed: DataQuery) => {
    newest.current = changed;
    setQuery(changed);
  };
  const run = async () => {
    setAnswer(await ask(datasource, [newest.current], range, app));
    setRuns((before) => before + 1);
  };
  const Editor = plugin.components.QueryEditor;
  const Help = plugin.components.QueryEditorHelp;
  const data: PanelData | undefined = answer && {
    state: LoadingState.Done,
    series: answer.frames,
    timeRange: range,
  };

  return (
    <Stack direction="column" gap={2}>
      <Text element="h1">{app === CoreApp.Explore ? 'Explore' : 'Edit panel'}</Text>
      {app === CoreApp.Explore && Help && (
        <Help datasource={datasource} query={query} onClickExample={(example: DataQuery) => change(example)} />
      )}
      {Editor && (
        <Editor
          datasource={datasource}
          query={query}
          onChange={change}
          onRunQuery={() => void run()}
          app={app}
          range={range}
          data={data}
        />
      )}
      <div>
        <Button variant="secondary" onClick={() => void run()}>
          Run query
        </Button>
      </div>
      {answer?.errors.map((message) => (
        <Alert key={message} title={message} />
      ))}
      {answer?.frames.slice(0, 3).map((_, index) => (
        <Panel
          key={`${runs} ${index}`}
          panel={{ type: 'table', fieldConfig: { defaults: {}, overrides: [] } }}
          frames={answer.frames.slice(index, index + 1)}
          range={range}
          width={1100}
          height={220}
        />
      ))}
      <Shown as="query" value={query} />
      {answer && <Shown as="answer" value={{ runs, ...summaryOf(answer) }} />}
    </Stack>
  );
}
