/** Query variables: a question of kind `values`, asked in Rust like any other. */
import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import type { Observable } from 'rxjs';
import type { PelorusDataSource } from './datasource';
import { VariableQueryEditor } from './query/VariableQueryEditor';
import { switchKind } from './query/question';
import type { PelorusQuery, Question } from './types';

const APPLICATIONS: Question = { version: 1, kind: 'values', key: 'application' };

export class PelorusVariableSupport extends CustomVariableSupport<PelorusDataSource, PelorusQuery> {
  editor = VariableQueryEditor;

  constructor(private readonly datasource: PelorusDataSource) {
    super();
  }

  getDefaultQuery(): Partial<PelorusQuery> {
    return { pelorus: APPLICATIONS };
  }

  query(request: DataQueryRequest<PelorusQuery>): Observable<DataQueryResponse> {
    const targets = request.targets.map((target) => ({
      ...target,
      // Grafana leaves the refId of variable queries out in places, and the backend needs one to answer to.
      refId: target.refId || 'Variable',
      pelorus: switchKind(target.pelorus ?? APPLICATIONS, 'values'),
    }));
    return this.datasource.query({ ...request, targets });
  }
}
