import React, { useState } from 'react';
import { CoreApp, type DataQuery, type DataSourceApi } from '@grafana/data';
import { Button, Stack, Text } from '@grafana/ui';
import { from, lastValueFrom } from 'rxjs';
import { answerOf, requestFor, summaryOf, type Answer } from './questions';
import { QUARTER, rangeOf } from './services';
import { Shown } from './Shown';

interface Custom {
  editor: React.ComponentType<Record<string, unknown>>;
  query: DataSourceApi['query'];
  getDefaultQuery: () => Partial<DataQuery>;
}

/** A query variable's editor with a preview of its values. */
export function VariablePage({ datasource }: { datasource: DataSourceApi }) {
  const support = datasource.variables as unknown as Custom;
  const range = rangeOf(QUARTER);
  const [query, setQuery] = useState<Partial<DataQuery>>(support.getDefaultQuery());
  const [answer, setAnswer] = useState<Answer>();
  const preview = async () => {
    const request = requestFor([query as DataQuery], range, CoreApp.Dashboard);
    setAnswer(answerOf(await lastValueFrom(from(support.query(request)))));
  };
  // As Grafana makes options of frames: the fields `text` and `value`.
  const options = (answer?.frames ?? []).flatMap((frame) => {
    const named = (name: string) => frame.fields.find((field) => field.name === name)?.values ?? [];
    return named('value').map((value, row) => ({ value, text: named('text')[row] }));
  });

  return (
    <Stack direction="column" gap={2}>
      <Text element="h1">Variable</Text>
      <support.editor datasource={datasource} query={query} onChange={setQuery} range={range} />
      <div>
        <Button variant="secondary" onClick={() => void preview()}>
          Preview of values
        </Button>
      </div>
      <ul aria-label="Values">
        {options.map(({ value, text }) => (
          <li key={value}>{text}</li>
        ))}
      </ul>
      <Shown as="query" value={query} />
      {answer && <Shown as="answer" value={{ ...summaryOf(answer), options }} />}
    </Stack>
  );
}
