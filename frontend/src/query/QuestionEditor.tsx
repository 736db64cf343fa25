import React, { useCallback, useId, useRef } from 'react';
import type { TimeRange } from '@grafana/data';
import { EditorField, EditorRow, EditorRows } from '@grafana/plugin-ui';
import { Alert, Button, Combobox, MultiCombobox } from '@grafana/ui';
import type { PelorusDataSource } from '../datasource';
import type { QueryKind, Question } from '../types';
import { useAnswer } from '../use_answer';
import { FALLBACK_CATALOG } from './fallback_catalog';
import { FilterEditor } from './FilterEditor';
import { bucketOptions, keyOptions, metricOptions, optionsOf, plainOptions, variableOptions } from './options';
import { QuestionOptions } from './QuestionOptions';
import { pruned, statisticsOf, switchKind, takes, withMetric } from './question';

interface Props {
  datasource: PelorusDataSource;
  question: Question;
  onChange: (question: Question) => void;
  range?: TimeRange;
  /** Set where only one kind makes sense: variables and annotations. */
  fixedKind?: QueryKind;
}

/** Edits one question; what is offered comes from the backend. */
export function QuestionEditor({ datasource, question, onChange, range, fixedKind }: Props) {
  const id = useId();
  const { answer, failure, askAgain } = useAnswer(useCallback(() => datasource.catalog(), [datasource]));
  const catalog = answer ?? FALLBACK_CATALOG;
  // What other kinds held, so that looking at another kind and coming back loses nothing.
  const remembered = useRef<Partial<Question>>({});

  const set = (changes: Partial<Question>) => onChange(pruned({ ...question, ...changes }));
  const show = (kind: QueryKind) => {
    remembered.current = { ...remembered.current, ...question };
    onChange(switchKind(question, kind, remembered.current));
  };

  return (
    <EditorRows>
      {failure && (
        <Alert title="The lists of metrics and values could not be loaded" severity="warning">
          <p>{failure}. Names can be typed meanwhile.</p>
          <Button size="sm" variant="secondary" type="button" onClick={askAgain}>
            Try again
          </Button>
        </Alert>
      )}
      {/* Annotations have filters only. */}
      {fixedKind !== 'annotations' && (
        <EditorRow>
          {!fixedKind && (
            <EditorField label="Show" tooltip="What form the answer has.">
              <Combobox
                id={`${id}-kind`}
                options={catalog.kinds.map(({ name, title, help }) => ({
                  value: name,
                  label: title,
                  description: help,
                }))}
                value={question.kind}
                width={26}
                onChange={({ value }) => show(value)}
              />
            </EditorField>
          )}
          {takes(question.kind, 'metric') && (
            <EditorField label="Metric">
              <Combobox
                id={`${id}-metric`}
                options={[...metricOptions(catalog.metrics), ...variableOptions()]}
                value={question.metric ?? null}
                createCustomValue
                placeholder="Change lead time"
                width={38}
                onChange={({ value }) => onChange(withMetric(question, value, catalog.metrics))}
              />
            </EditorField>
          )}
          {takes(question.kind, 'statistic') && (
            <EditorField label="Statistic">
              <Combobox
                id={`${id}-statistic`}
                options={optionsOf(statisticsOf(question, catalog))}
                value={question.statistic ?? null}
                createCustomValue
                isClearable
                placeholder="Default"
                width={20}
                onChange={(chosen) => set({ statistic: chosen?.value })}
              />
            </EditorField>
          )}
          {takes(question.kind, 'bucket') && (
            <EditorField
              label="Per"
              tooltip="Calendar buckets in the reader's time zone; other rolling windows as rolling:<days>."
            >
              <Combobox
                id={`${id}-bucket`}
                options={bucketOptions(catalog.buckets)}
                value={question.bucket ?? 'auto'}
                createCustomValue
                width={24}
                onChange={({ value }) => set({ bucket: value })}
              />
            </EditorField>
          )}
          {takes(question.kind, 'table') && (
            <EditorField label="Table">
              <Combobox
                id={`${id}-table`}
                options={optionsOf(catalog.tables)}
                value={question.table ?? 'changes'}
                width={24}
                onChange={({ value }) => set({ table: value })}
              />
            </EditorField>
          )}
          {takes(question.kind, 'key') && (
            <EditorField label="Values of" tooltip="A label's values as label:<name>.">
              <Combobox
                id={`${id}-key`}
                options={keyOptions(catalog.filterKeys)}
                value={question.key ?? 'application'}
                createCustomValue
                width={26}
                onChange={({ value }) => set({ key: value })}
              />
            </EditorField>
          )}
          {takes(question.kind, 'groupBy') && (
            <EditorField
              label="Group by"
              optional
              tooltip="A label as label:<name>. Without any, one answer for everything."
            >
              <MultiCombobox
                id={`${id}-group-by`}
                options={[...keyOptions(catalog.groupBy), ...variableOptions()]}
                value={plainOptions(question.groupBy ?? [])}
                createCustomValue
                placeholder="Everything together"
                width={34}
                onChange={(chosen) => set({ groupBy: chosen.map(({ value }) => value) })}
              />
            </EditorField>
          )}
        </EditorRow>
      )}
      <EditorRow>
        <EditorField
          label="Filters"
          optional
          tooltip="All must hold. Without a filter on tier or environment: production."
        >
          <FilterEditor
            catalog={catalog}
            datasource={datasource}
            filters={question.filters ?? []}
            range={range}
            onChange={(filters) => set({ filters })}
          />
        </EditorField>
      </EditorRow>
      <QuestionOptions catalog={catalog} question={question} onChange={set} />
    </EditorRows>
  );
}
