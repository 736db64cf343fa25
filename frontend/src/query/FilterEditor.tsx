import React, { useState } from 'react';
import type { TimeRange } from '@grafana/data';
import { Button, Stack } from '@grafana/ui';
import type { PelorusDataSource } from '../datasource';
import type { Catalog } from '../resources';
import type { Filter } from '../types';
import { FilterRow } from './FilterRow';
import { isComplete } from './question';

interface Props {
  catalog: Catalog;
  datasource: PelorusDataSource;
  filters: Filter[];
  onChange: (filters: Filter[]) => void;
  range?: TimeRange;
}

/** The list of filters. A row that is still being filled in lives here only: the query holds finished filters. */
export function FilterEditor({ catalog, datasource, filters, onChange, range }: Props) {
  const [drafts, setDrafts] = useState(filters);
  // The query may change under us (undo, an example clicked): then its filters win over the drafts.
  const current = JSON.stringify(drafts.filter(isComplete)) === JSON.stringify(filters) ? drafts : filters;

  const change = (rows: Filter[]) => {
    setDrafts(rows);
    const finished = rows.filter(isComplete);
    if (JSON.stringify(finished) !== JSON.stringify(filters)) {
      onChange(finished);
    }
  };

  return (
    <Stack direction="column" gap={1} alignItems="flex-start">
      {current.map((filter, index) => (
        <FilterRow
          key={index}
          number={index + 1}
          catalog={catalog}
          filter={filter}
          onChange={(changed) => change(current.map((row, at) => (at === index ? changed : row)))}
          onRemove={() => change(current.filter((_, at) => at !== index))}
          valuesOfKey={(key) =>
            datasource.values(
              key,
              range,
              current.filter((_, at) => at !== index)
            )
          }
        />
      ))}
      <Button
        icon="plus"
        variant="secondary"
        size="sm"
        type="button"
        onClick={() => change([...current, { key: 'application', operator: '=', value: '' }])}
      >
        Add filter
      </Button>
    </Stack>
  );
}
