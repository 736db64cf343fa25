import React, { useId, useState } from 'react';
import { Alert, Field } from '@grafana/ui';
import { CommitInput } from '../CommitInput';
import type { FieldDescription, SourceKind } from '../resources';
import type { Source } from '../types';
import { FieldInput, type Secret } from './FieldInput';
import { ItemCard } from './ItemCard';
import { nameFault } from './settings';

interface Props {
  source: Source;
  /** `undefined` where the backend could not say, or knows no such kind. */
  kind?: SourceKind;
  otherNames: string[];
  first: boolean;
  last: boolean;
  isNew: boolean;
  disabled?: boolean;
  secretOf: (field: FieldDescription) => Secret;
  onField: (key: string, value: unknown) => void;
  onRename: (name: string) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}

/** One source with the inputs its kind describes. */
export function SourceCard(props: Props) {
  const { source, kind, otherNames, first, last, isNew, disabled, secretOf, onField, onRename, onMove, onRemove } =
    props;
  const id = useId();
  // A refused name stays in the input with the reason beside it; the settings keep the last good one.
  const [refused, setRefused] = useState<string>();
  const fault = refused ?? nameFault(source.name, otherNames);
  const incomplete = (kind?.fields ?? []).some((field) => {
    const secret = field.type === 'secret' ? secretOf(field) : undefined;
    return (
      field.required && field.default == null && (secret ? !secret.stored && !secret.typed : source[field.key] == null)
    );
  });

  const rename = (name: string) => {
    const reason = nameFault(name, otherNames);
    setRefused(reason);
    if (!reason) {
      onRename(name);
    }
  };

  return (
    <ItemCard
      name={`source ${source.name}`}
      title={source.name}
      subtitle={
        incomplete ? `${kind?.title ?? source.kind}: required settings are missing` : (kind?.title ?? source.kind)
      }
      first={first}
      last={last}
      initiallyOpen={incomplete || isNew}
      disabled={disabled}
      onMove={onMove}
      onRemove={onRemove}
    >
      <Field
        label="Name"
        htmlFor={`${id}-name`}
        description="How panels, messages and stored secrets call this source."
        required
        invalid={Boolean(fault)}
        error={fault}
      >
        <CommitInput
          id={`${id}-name`}
          value={source.name}
          disabled={disabled}
          width={60}
          onCommit={(name) => rename(name.trim())}
        />
      </Field>
      {kind ? (
        kind.fields.map((field) => (
          <FieldInput
            key={field.key}
            id={`${id}-${field.key}`}
            field={field}
            value={source[field.key]}
            secret={field.type === 'secret' ? secretOf(field) : undefined}
            disabled={disabled}
            onChange={(value) => onField(field.key, value)}
          />
        ))
      ) : (
        <Alert severity="info" title={`The settings of ${source.kind} sources cannot be shown`}>
          The plugin has not described this kind. What is stored stays as it is.
        </Alert>
      )}
    </ItemCard>
  );
}
