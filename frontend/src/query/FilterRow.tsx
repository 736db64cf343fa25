import React, { useId } from 'react';
import { Combobox, type ComboboxOption, IconButton, MultiCombobox, Stack } from '@grafana/ui';
import { CommitInput } from '../CommitInput';
import type { Catalog } from '../resources';
import type { Filter } from '../types';
import { valuesOf, withKey, withOperator, withValues } from './filters';
import { HiddenLabel } from './HiddenLabel';
import { keyOptions, matching, optionsOf, plainOptions, variableOptions } from './options';
import { takesMany } from './question';

interface Props {
  catalog: Catalog;
  filter: Filter;
  number: number;
  onChange: (filter: Filter) => void;
  onRemove: () => void;
  valuesOfKey: (key: string) => Promise<Array<{ text: string; value: string }>>;
}

const isExpression = (operator: string) => operator === '=~' || operator === '!~';

/** One filter: key, operator, value. */
export function FilterRow({ catalog, filter, number, onChange, onRemove, valuesOfKey }: Props) {
  const id = useId();
  const values = valuesOf(filter);
  const label = `Filter ${number}`;

  const options = async (typed: string): Promise<Array<ComboboxOption<string>>> => {
    const known = await valuesOfKey(filter.key);
    const named = known.map(({ text, value }) => ({ value, label: text }));
    return matching([...variableOptions(), ...named], typed);
  };

  const valueInput = () => {
    if (isExpression(filter.operator)) {
      return (
        <CommitInput
          id={`${id}-value`}
          value={values[0] ?? ''}
          placeholder="payments/.*"
          width={30}
          onCommit={(value) => onChange(withValues(filter, [value]))}
        />
      );
    }
    if (takesMany(filter.operator)) {
      return (
        <MultiCombobox
          // Another key has other values: a new key forgets what the list held.
          key={filter.key}
          id={`${id}-value`}
          options={options}
          value={plainOptions(values)}
          createCustomValue
          placeholder="Choose values"
          width={40}
          onChange={(chosen) =>
            onChange(
              withValues(
                filter,
                chosen.map(({ value }) => value)
              )
            )
          }
        />
      );
    }
    return (
      <Combobox
        key={filter.key}
        id={`${id}-value`}
        options={options}
        value={values[0] ?? null}
        createCustomValue
        placeholder="Choose a value"
        width={30}
        onChange={({ value }) => onChange(withValues(filter, [value]))}
      />
    );
  };

  return (
    <Stack direction="row" gap={0.5} alignItems="center" wrap="wrap">
      <HiddenLabel htmlFor={`${id}-key`}>{label} key</HiddenLabel>
      <Combobox
        id={`${id}-key`}
        options={keyOptions(catalog.filterKeys)}
        value={filter.key || null}
        createCustomValue
        customValueDescription="Use this key, for labels label:<name>"
        placeholder="Key"
        width={22}
        onChange={({ value }) => onChange(withKey(filter, value))}
      />
      <HiddenLabel htmlFor={`${id}-operator`}>{label} operator</HiddenLabel>
      <Combobox
        id={`${id}-operator`}
        options={optionsOf(catalog.operators)}
        value={filter.operator}
        width={20}
        onChange={({ value }) => onChange(withOperator(filter, value))}
      />
      <HiddenLabel htmlFor={`${id}-value`}>{label} value</HiddenLabel>
      {valueInput()}
      <IconButton name="trash-alt" type="button" tooltip={`Remove filter ${number}`} onClick={onRemove} />
    </Stack>
  );
}
