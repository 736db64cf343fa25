import React from 'react';
import { Combobox, Field, Input, SecretInput, Switch } from '@grafana/ui';
import type { FieldDescription } from '../resources';
import { defaultText, durationFault, listFrom, listText } from './field_values';
import { TextListInput } from './TextListInput';

/** A secret as the browser knows it: whether one is stored, and what was typed just now. */
export interface Secret {
  stored: boolean;
  typed: string;
  /** Set where a rename left the stored secret behind. */
  askAgain: boolean;
  onType: (value: string) => void;
  onReset: () => void;
}

interface Props {
  id: string;
  field: FieldDescription;
  value: unknown;
  onChange: (value: unknown) => void;
  secret?: Secret;
  disabled?: boolean;
}

const WIDTH = 60;

/** One setting: the input its type calls for, with label, help and what is wrong. */
export function FieldInput({ id, field, value, onChange, secret, disabled }: Props) {
  const text = value == null ? '' : String(value);
  const error = faultOf(field, text, secret);

  return (
    <Field
      label={field.unit && field.type !== 'duration' ? `${field.title} (${field.unit})` : field.title}
      htmlFor={id}
      description={withCode(field.help)}
      required={field.required}
      invalid={Boolean(error)}
      error={error}
    >
      {inputOf({ id, field, value, onChange, secret, disabled }, text)}
    </Field>
  );
}

/** Help with what stands in backticks as code. */
function withCode(help?: string): React.ReactNode {
  const parts = (help ?? '').split('`');
  return parts.length > 1 ? parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part)) : help;
}

function faultOf(field: FieldDescription, text: string, secret?: Secret): string | undefined {
  if (field.type === 'secret') {
    return secret?.askAgain
      ? 'The source was renamed and stored secrets cannot be read back: enter the secret again'
      : undefined;
  }
  return field.type === 'duration' ? durationFault(text) : undefined;
}

function inputOf({ id, field, value, onChange, secret, disabled }: Props, text: string): React.JSX.Element {
  const placeholder = field.placeholder || defaultText(field.default, field.unit);
  switch (field.type) {
    case 'secret':
      return (
        <SecretInput
          id={id}
          width={WIDTH}
          disabled={disabled}
          isConfigured={secret?.stored ?? false}
          value={secret?.typed ?? ''}
          placeholder={placeholder}
          autoComplete="new-password"
          onChange={(event) => secret?.onType(event.currentTarget.value)}
          onReset={() => secret?.onReset()}
        />
      );
    case 'boolean':
      return (
        <Switch
          id={id}
          disabled={disabled}
          value={value == null ? isTrue(field.default) : isTrue(value)}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'choice':
      return (
        <Combobox
          id={id}
          width={WIDTH}
          disabled={disabled}
          isClearable
          options={(field.choices ?? []).map((choice) => ({ value: choice.value, label: choice.title }))}
          value={text || null}
          placeholder={field.choices?.find((choice) => choice.value === field.default)?.title ?? 'Choose'}
          onChange={(chosen) => onChange(chosen?.value)}
        />
      );
    case 'text_list':
      return (
        <TextListInput
          id={id}
          disabled={disabled}
          value={Array.isArray(value) ? value : listFrom(listText(value))}
          print={listText}
          read={listFrom}
          placeholder={placeholder || 'One a line'}
          onChange={onChange}
        />
      );
    case 'integer':
      return (
        <Input
          id={id}
          type="number"
          step={1}
          width={WIDTH}
          disabled={disabled}
          value={text}
          placeholder={placeholder}
          onChange={(event) => onChange(numberFrom(event.currentTarget.value))}
        />
      );
    case 'duration':
      return (
        <Input
          id={id}
          width={WIDTH}
          disabled={disabled}
          value={text}
          placeholder={placeholder}
          onChange={(event) => {
            const typed = event.currentTarget.value.trim();
            onChange(/^\d+$/.test(typed) ? Number(typed) : typed);
          }}
        />
      );
    default:
      return (
        <Input
          id={id}
          width={WIDTH}
          disabled={disabled}
          value={text}
          placeholder={placeholder}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

function numberFrom(text: string): number | undefined {
  return text.trim() === '' ? undefined : Math.trunc(Number(text));
}

/** Provisioning may hold `"true"` where the editor stores `true`. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
