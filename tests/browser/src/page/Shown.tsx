import React from 'react';

/** What a test reads: the value as JSON. */
export function Shown({ as, value }: { as: string; value: unknown }) {
  return (
    <script type="application/json" data-testid={as}>
      {JSON.stringify(value)}
    </script>
  );
}
