import React, { useState } from 'react';
import { CoreApp, type AnnotationQuery, type DataQuery, type DataSourceApi } from '@grafana/data';
import { Button, Stack, Text } from '@grafana/ui';
import { ask, summaryOf, type Answer } from './questions';
import { QUARTER, rangeOf } from './services';
import { Shown } from './Shown';

/** An annotation query's editor and the annotations it gives. */
export function AnnotationPage({ datasource }: { datasource: DataSourceApi }) {
  const support = datasource.annotations;
  const range = rangeOf(QUARTER);
  const [annotation, setAnnotation] = useState<AnnotationQuery>({
    name: 'New annotation',
    enable: true,
    iconColor: 'red',
    target: { refId: 'Anno', ...support?.getDefaultQuery?.() },
  });
  const [answer, setAnswer] = useState<Answer>();
  const Editor = support?.QueryEditor as unknown as React.ComponentType<Record<string, unknown>>;
  const test = async () => {
    const prepared = support?.prepareQuery?.(annotation);
    setAnswer(await ask(datasource, prepared ? [prepared as DataQuery] : [], range, CoreApp.Dashboard));
  };

  return (
    <Stack direction="column" gap={2}>
      <Text element="h1">Annotation</Text>
      <Editor
        datasource={datasource}
        annotation={annotation}
        onAnnotationChange={setAnnotation}
        query={annotation.target}
        onChange={(target: DataQuery) => setAnnotation({ ...annotation, target })}
        onRunQuery={() => undefined}
        range={range}
      />
      <div>
        <Button variant="secondary" onClick={() => void test()}>
          Test annotation query
        </Button>
      </div>
      <Shown as="query" value={annotation.target} />
      {answer && <Shown as="answer" value={summaryOf(answer)} />}
    </Stack>
  );
}
