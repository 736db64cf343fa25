import React from 'react';
import type { QueryEditorProps } from '@grafana/data';
import type { PelorusDataSource } from '../datasource';
import type { PelorusOptions, PelorusQuery } from '../types';
import { switchKind } from './question';
import { QuestionEditor } from './QuestionEditor';

type Props = QueryEditorProps<PelorusDataSource, PelorusQuery, PelorusOptions, PelorusQuery>;

/** The editor of query variables: which key's values, among what filters leave. */
export function VariableQueryEditor({ datasource, query, onChange, range }: Props) {
  // A new variable starts with an empty text in place of a query.
  const stored: Partial<PelorusQuery> = typeof query === 'object' && query !== null ? query : {};
  const question = switchKind(stored.pelorus ?? { version: 1, kind: 'values' }, 'values');

  return (
    <QuestionEditor
      datasource={datasource}
      fixedKind="values"
      question={question}
      range={range}
      onChange={(pelorus) => onChange({ ...stored, refId: stored.refId || 'Variable', pelorus })}
    />
  );
}
