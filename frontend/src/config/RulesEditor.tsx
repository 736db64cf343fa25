import React, { useId } from 'react';
import { Button, Field, Stack } from '@grafana/ui';
import type { FieldDescription } from '../resources';
import { FieldInput } from './FieldInput';
import { labelsFrom, labelsText } from './field_values';
import { ItemCard } from './ItemCard';
import { moved, withEntry } from './settings';
import { TextListInput } from './TextListInput';

interface Props<Rule extends object> {
  /** What one rule is called on buttons: `application rule`. */
  noun: string;
  rules: Rule[];
  fields: FieldDescription[];
  /** Whether rules may ask for labels, which are names with values. */
  labels?: boolean;
  titleOf: (rule: Rule) => string;
  onChange: (rules: Rule[] | undefined) => void;
  disabled?: boolean;
}

/** An ordered list of rules, each a small form. */
export function RulesEditor<Rule extends object>(props: Props<Rule>) {
  const { noun, rules, fields, labels, titleOf, onChange, disabled } = props;
  const id = useId();
  const set = (index: number, key: string, value: unknown) =>
    onChange(rules.map((rule, at) => (at === index ? withEntry(rule, key, value) : rule)));
  const valueOf = (rule: Rule, key: string) => (rule as Record<string, unknown>)[key];

  return (
    <Stack direction="column" gap={1} alignItems="stretch">
      {rules.map((rule, index) => (
        <ItemCard
          key={index}
          name={`${noun} ${index + 1}`}
          title={titleOf(rule) || `New ${noun}`}
          first={index === 0}
          last={index === rules.length - 1}
          initiallyOpen={Object.keys(rule).length === 0}
          disabled={disabled}
          onMove={(by) => onChange(moved(rules, index, by))}
          onRemove={() => {
            const left = rules.filter((_, at) => at !== index);
            onChange(left.length > 0 ? left : undefined);
          }}
        >
          {fields.map((field) => (
            <FieldInput
              key={field.key}
              id={`${id}-${index}-${field.key}`}
              field={field}
              value={valueOf(rule, field.key)}
              disabled={disabled}
              onChange={(value) => set(index, field.key, value)}
            />
          ))}
          {labels && (
            <Field
              label="Labels"
              htmlFor={`${id}-${index}-labels`}
              description="One name a line with the values it may have; all names must match."
            >
              <TextListInput
                id={`${id}-${index}-labels`}
                value={valueOf(rule, 'labels')}
                print={labelsText}
                read={labelsFrom}
                disabled={disabled}
                placeholder="tier=web, api"
                onChange={(value) => set(index, 'labels', Object.keys(value ?? {}).length > 0 ? value : undefined)}
              />
            </Field>
          )}
        </ItemCard>
      ))}
      <div>
        <Button
          type="button"
          icon="plus"
          variant="secondary"
          disabled={disabled}
          onClick={() => onChange([...rules, {} as Rule])}
        >
          {`Add ${noun}`}
        </Button>
      </div>
    </Stack>
  );
}
