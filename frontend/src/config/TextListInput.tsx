import React, { useState } from 'react';
import { Box, TextArea } from '@grafana/ui';

interface Props<T> {
  id: string;
  value: T;
  /** The stored value as text, and back. */
  print: (value: T) => string;
  read: (text: string) => T;
  onChange: (value: T) => void;
  disabled?: boolean;
  placeholder?: string;
}

/** A text of lines that stands for a list. What is typed stays as typed as long as it means what is stored. */
export function TextListInput<T>({ value, print, read, onChange, ...input }: Props<T>) {
  const [draft, setDraft] = useState(print(value));
  const text = print(read(draft)) === print(value) ? draft : print(value);

  return (
    // As wide as the inputs of single values: a text area takes all the room there is.
    <Box maxWidth={60}>
      <TextArea
        {...input}
        rows={Math.max(2, text.split('\n').length)}
        value={text}
        onChange={(event) => {
          setDraft(event.currentTarget.value);
          onChange(read(event.currentTarget.value));
        }}
      />
    </Box>
  );
}
