import React from 'react';
import type { QueryEditorProps } from '@grafana/data';
import type { PelorusDataSource } from '../datasource';
import type { PelorusOptions, PelorusQuery } from '../types';
import { switchKind } from './question';
import { QuestionEditor } from './QuestionEditor';

type Props = QueryEditorProps<PelorusDataSource, PelorusQuery, PelorusOptions>;

/** The editor of annotation queries: which deployments and incidents are marked. */
export function AnnotationQueryEditor({ datasource, query, onChange, onRunQuery, range }: Props) {
  return (
    <QuestionEditor
      datasource={datasource}
      fixedKind="annotations"
      question={switchKind(query.pelorus ?? { version: 1, kind: 'annotations' }, 'annotations')}
      range={range}
      onChange={(pelorus) => {
        onChange({ ...query, pelorus });
        onRunQuery();
      }}
    />
  );
}
