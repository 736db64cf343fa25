import React from 'react';
import { CoreApp, type QueryEditorProps } from '@grafana/data';
import { Alert } from '@grafana/ui';
import type { PelorusDataSource } from '../datasource';
import type { PelorusOptions, PelorusQuery } from '../types';
import { variablesIn } from './interpolate';
import { questionOf } from './question';
import { QuestionEditor } from './QuestionEditor';

type Props = QueryEditorProps<PelorusDataSource, PelorusQuery, PelorusOptions>;

/** The editor of panels, Explore and alert rules. Runs on every change, since every change is a finished one. */
export function QueryEditor({ app, datasource, query, onChange, onRunQuery, range }: Props) {
  const question = questionOf(query, app);
  const alerting = app === CoreApp.UnifiedAlerting || app === CoreApp.CloudAlerting;
  const variables = alerting ? variablesIn(question) : [];

  return (
    <>
      {variables.length > 0 && (
        <Alert severity="warning" title="Alert rules know no dashboard variables">
          {`Grafana sends $${variables.join(', $')} as it is written here. Choose values, or match with =~ instead.`}
        </Alert>
      )}
      <QuestionEditor
        datasource={datasource}
        question={question}
        range={range}
        onChange={(changed) => {
          onChange({ ...query, pelorus: changed });
          onRunQuery();
        }}
      />
    </>
  );
}
