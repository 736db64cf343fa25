import React, { useId, useState } from 'react';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { Button, Combobox, Switch } from '@grafana/ui';
import { CommitInput } from '../CommitInput';
import type { Catalog } from '../resources';
import type { Question } from '../types';
import { optionsOf } from './options';
import { takes } from './question';

interface Props {
  catalog: Catalog;
  question: Question;
  onChange: (changes: Partial<Question>) => void;
}

const OPTIONS = [
  ...(['compare', 'leadTimeFrom', 'changeUnit', 'includeMerges', 'userFacing', 'bandsYear'] as const),
  ...(['timezone', 'weekStart', 'limit', 'partial'] as const),
];

/** What seldom changes: folded away, with the number of options set on the button. */
export function QuestionOptions({ catalog, question, onChange }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const set = OPTIONS.filter((key) => question[key] != null).length;
  const has = (key: (typeof OPTIONS)[number]) => takes(question.kind, key);

  if (!OPTIONS.some(has)) {
    return null;
  }
  const choice = (
    key: 'leadTimeFrom' | 'changeUnit' | 'weekStart' | 'partial',
    label: string,
    words: string[],
    tooltip: string
  ) =>
    has(key) && (
      <EditorField label={label} tooltip={tooltip}>
        <Combobox
          id={`${id}-${key}`}
          options={optionsOf(words)}
          value={question[key] ?? null}
          isClearable
          placeholder="Default"
          width={24}
          onChange={(chosen) => onChange({ [key]: chosen?.value })}
        />
      </EditorField>
    );
  const flag = (key: 'includeMerges' | 'userFacing', label: string, tooltip: string) =>
    has(key) && (
      <EditorField label={label} tooltip={tooltip}>
        <Switch
          id={`${id}-${key}`}
          value={question[key] ?? false}
          onChange={(event) => onChange({ [key]: event.currentTarget.checked })}
        />
      </EditorField>
    );

  return (
    <EditorRow>
      <Button
        type="button"
        size="sm"
        fill="text"
        variant="secondary"
        icon={open ? 'angle-down' : 'angle-right'}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {set > 0 ? `Options (${set} set)` : 'Options'}
      </Button>
      {open && (
        <>
          {has('compare') && (
            <EditorField label="Compare with the previous period">
              <Switch
                id={`${id}-compare`}
                value={question.compare === 'previous_period'}
                onChange={(event) => onChange({ compare: event.currentTarget.checked ? 'previous_period' : undefined })}
              />
            </EditorField>
          )}
          {choice('leadTimeFrom', 'Lead time from', catalog.leadTimeFrom, 'Where the lead time starts.')}
          {choice('changeUnit', 'One change is a', catalog.changeUnits, 'What is counted and timed.')}
          {flag('includeMerges', 'Merge commits count', 'Merge commits are left out otherwise.')}
          {flag('userFacing', 'User-facing incidents only', 'Only incidents that customers felt.')}
          {has('bandsYear') && (
            <EditorField label="Bands of" tooltip="The DORA report whose bands judge.">
              <Combobox
                id={`${id}-bandsYear`}
                options={catalog.bandsYears.map((year) => ({ value: year, label: String(year) }))}
                value={question.bandsYear ?? null}
                isClearable
                placeholder="Default"
                width={16}
                onChange={(chosen) => onChange({ bandsYear: chosen?.value })}
              />
            </EditorField>
          )}
          {has('timezone') && (
            <EditorField label="Time zone" tooltip="Of the buckets, such as Europe/Berlin; empty: the dashboard's.">
              <CommitInput
                id={`${id}-timezone`}
                value={question.timezone ?? ''}
                placeholder="The dashboard's"
                width={24}
                onCommit={(timezone) => onChange({ timezone: timezone.trim() })}
              />
            </EditorField>
          )}
          {choice('weekStart', 'Weeks start on', ['monday', 'sunday', 'saturday'], 'Monday unless chosen otherwise.')}
          {has('limit') && (
            <EditorField label="Limit" tooltip="How many groups or rows at most.">
              <CommitInput
                id={`${id}-limit`}
                type="number"
                value={question.limit == null ? '' : String(question.limit)}
                placeholder="1000"
                width={14}
                onCommit={(text) => onChange({ limit: Number(text) > 0 ? Math.floor(Number(text)) : undefined })}
              />
            </EditorField>
          )}
          {choice(
            'partial',
            'Missing data in alerts',
            ['strict', 'allow'],
            'Strict: an alert rule fails and names the source. Allow: it answers with what is known.'
          )}
        </>
      )}
    </EditorRow>
  );
}
