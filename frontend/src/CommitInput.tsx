import React, { useEffect, useState } from 'react';
import { Input } from '@grafana/ui';

interface Props {
  id: string;
  value: string;
  onCommit: (value: string) => void;
  'aria-label'?: string;
  disabled?: boolean;
  invalid?: boolean;
  placeholder?: string;
  type?: 'text' | 'number';
  width?: number;
}

/** A text input that reports on blur or Enter, so that nothing runs on a half-typed word. */
export function CommitInput({ value, onCommit, ...input }: Props) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  const commit = () => draft !== value && onCommit(draft);

  return (
    <Input
      {...input}
      value={draft}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          // The settings page is a form: Enter must not submit it with the old value.
          event.preventDefault();
          commit();
        }
      }}
    />
  );
}
