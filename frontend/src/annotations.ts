/** Deployments and incidents as annotations; the frame's columns already bear the names Grafana looks for. */
import type { AnnotationQuery, AnnotationSupport } from '@grafana/data';
import { AnnotationQueryEditor } from './query/AnnotationQueryEditor';
import { switchKind } from './query/question';
import type { PelorusQuery, Question } from './types';

const ANNOTATIONS: Question = { version: 1, kind: 'annotations' };

export const annotationSupport: AnnotationSupport<PelorusQuery> = {
  QueryEditor: AnnotationQueryEditor,
  getDefaultQuery: () => ({ pelorus: ANNOTATIONS }),
  prepareQuery: (annotation: AnnotationQuery<PelorusQuery>) => ({
    ...annotation.target,
    refId: annotation.target?.refId ?? 'Annotations',
    // A panel's query pasted here still answers with annotations.
    pelorus: switchKind(annotation.target?.pelorus ?? ANNOTATIONS, 'annotations'),
  }),
};
