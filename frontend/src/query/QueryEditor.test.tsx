import React, { useState } from 'react';
import { CoreApp } from '@grafana/data';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { PelorusDataSource } from '../datasource';
import type { Catalog } from '../resources';
import type { PelorusQuery, Question } from '../types';
import { CheatSheet } from './CheatSheet';
import { FALLBACK_CATALOG } from './fallback_catalog';
import { QueryEditor } from './QueryEditor';
import { VariableQueryEditor } from './VariableQueryEditor';

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getTemplateSrv: () => ({ getVariables: () => [{ name: 'app' }] }),
}));

const metric = (name: string, title: string, statistics: string[]) => ({
  name,
  title,
  outcome: 'software delivery performance',
  unit: 's',
  statistics,
  defaultStatistic: statistics[0] ?? 'value',
  help: `${title}, explained.`,
});

const catalog: Catalog = {
  ...FALLBACK_CATALOG,
  metrics: [
    metric('change_lead_time', 'Change lead time', ['p50', 'p90', 'mean']),
    metric('change_fail_rate', 'Change fail rate', ['value']),
  ],
};

const values = jest.fn(async () => [{ text: 'payments', value: 'payments' }]);

const backend = (overrides: Partial<PelorusDataSource> = {}) =>
  ({ catalog: async () => catalog, values, ...overrides }) as PelorusDataSource;

/** Draws the editor over a stored query; `stored()` is what Grafana would save. */
function edit(pelorus: Question | undefined, { app = CoreApp.PanelEditor, datasource = backend() } = {}) {
  const run = jest.fn();
  let stored: PelorusQuery = { refId: 'A', pelorus };
  function Host() {
    const [query, setQuery] = useState(stored);
    stored = query;
    return <QueryEditor app={app} datasource={datasource} query={query} onChange={setQuery} onRunQuery={run} />;
  }
  render(<Host />);
  return { run, stored: () => stored.pelorus, user: userEvent.setup() };
}

async function choose(user: ReturnType<typeof userEvent.setup>, label: string, option: string | RegExp) {
  await user.click(await screen.findByRole('combobox', { name: label }));
  await user.click(await screen.findByRole('option', { name: option }));
}

const leadTime: Question = {
  version: 1,
  kind: 'metric',
  metric: 'change_lead_time',
  statistic: 'p90',
  bucket: 'week',
  groupBy: ['team'],
};

test('a metric from the backend is chosen, gets its own statistic, and runs', async () => {
  const { run, stored, user } = edit(leadTime);
  await choose(user, 'Metric', /^Change fail rate/);
  expect(stored()).toEqual({ ...leadTime, metric: 'change_fail_rate', statistic: 'value' });
  expect(run).toHaveBeenCalledTimes(1);
});

test('a look at another kind stores only its keys, and the way back loses nothing', async () => {
  const { stored, user } = edit(leadTime);
  await choose(user, 'Show', /^Scorecard/);
  expect(stored()).toEqual({ version: 1, kind: 'scorecard', groupBy: ['team'] });
  expect(screen.queryByRole('combobox', { name: 'Metric' })).not.toBeInTheDocument();

  await choose(user, 'Show', /^Metric/);
  expect(stored()).toEqual(leadTime);
});

test.each<[Question['kind'], string[]]>([
  ['metric', ['Show', 'Metric', 'Statistic', 'Per', 'Group by']],
  ['breakdown', ['Show', 'Statistic', 'Group by']],
  ['distribution', ['Show', 'Metric', 'Group by']],
  ['scorecard', ['Show', 'Group by']],
  ['events', ['Show', 'Table']],
  ['annotations', ['Show']],
  ['values', ['Show', 'Values of']],
  ['quality', ['Show']],
])('a question of kind %s offers its own inputs, each labelled', async (kind, labels) => {
  edit({ version: 1, kind });
  await screen.findByRole('combobox', { name: 'Show' });
  const shown = ['Show', 'Metric', 'Statistic', 'Per', 'Table', 'Values of', 'Group by'].filter((label) =>
    screen.queryByLabelText(new RegExp(`^${label}`))
  );
  expect(shown).toEqual(labels);
});

test('a filter is stored and run once its value is chosen from the backend, not before', async () => {
  const { run, stored, user } = edit({ version: 1, kind: 'scorecard' });
  await user.click(screen.getByRole('button', { name: 'Add filter' }));
  await choose(user, 'Filter 1 key', 'team');
  expect(stored()).toEqual({ version: 1, kind: 'scorecard' });
  expect(run).not.toHaveBeenCalled();

  await choose(user, 'Filter 1 value', 'payments');
  expect(values).toHaveBeenLastCalledWith('team', undefined, []);
  expect(stored()).toEqual({
    version: 1,
    kind: 'scorecard',
    filters: [{ key: 'team', operator: '=', value: 'payments' }],
  });
  expect(run).toHaveBeenCalledTimes(1);

  await user.click(screen.getByRole('button', { name: 'Remove filter 1' }));
  expect(stored()).toEqual({ version: 1, kind: 'scorecard' });
});

test('dashboard variables are offered as values', async () => {
  const { stored, user } = edit({
    version: 1,
    kind: 'scorecard',
    filters: [{ key: 'team', operator: '=', value: 'x' }],
  });
  await choose(user, 'Filter 1 value', /^\$app/);
  expect(stored()?.filters).toEqual([{ key: 'team', operator: '=', value: '$app' }]);
});

test('options are folded away, and what they set is stored', async () => {
  const { stored, user } = edit(leadTime);
  await user.click(screen.getByRole('button', { name: 'Options' }));
  await user.click(screen.getByLabelText('Compare with the previous period'));
  await user.type(screen.getByLabelText('Limit'), '5{Enter}');
  expect(stored()).toEqual({ ...leadTime, compare: 'previous_period', limit: 5 });
  expect(screen.getByRole('button', { name: 'Options (2 set)' })).toBeInTheDocument();
});

const withVariable: Question = { ...leadTime, filters: [{ key: 'application', operator: '=', value: '$app' }] };

test('an alert rule with a dashboard variable gets a warning', async () => {
  edit(withVariable, { app: CoreApp.UnifiedAlerting });
  expect(await screen.findByText('Alert rules know no dashboard variables')).toBeInTheDocument();
});

test('a panel with a dashboard variable gets none', async () => {
  edit(withVariable);
  await screen.findByRole('combobox', { name: 'Metric' });
  expect(screen.queryByText('Alert rules know no dashboard variables')).not.toBeInTheDocument();
});

test('without the backend the reason is shown, kinds can be chosen, and asking again helps', async () => {
  const ask = jest
    .fn()
    .mockRejectedValueOnce({ data: { error: 'no such plugin' } })
    .mockResolvedValue(catalog);
  const { stored, user } = edit(leadTime, { datasource: backend({ catalog: ask }) });
  expect(await screen.findByText(/^no such plugin/)).toBeInTheDocument();
  await choose(user, 'Show', /^Data quality/);
  expect(stored()).toEqual({ version: 1, kind: 'quality' });

  await user.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(screen.queryByText(/^no such plugin/)).not.toBeInTheDocument());
});

test('a variable that has no query yet asks for applications, and the key can be chosen', async () => {
  const change = jest.fn();
  const user = userEvent.setup();
  const nothing = '' as unknown as PelorusQuery;
  render(<VariableQueryEditor datasource={backend()} query={nothing} onChange={change} onRunQuery={jest.fn()} />);
  await choose(user, 'Values of', 'environment');
  expect(change).toHaveBeenCalledWith({
    refId: 'Variable',
    pelorus: { version: 1, kind: 'values', key: 'environment' },
  });
});

test('a click on an example takes it over', async () => {
  const take = jest.fn();
  render(<CheatSheet onClickExample={take} />);
  await userEvent.click(screen.getByRole('button', { name: 'What share of deployments fails?' }));
  expect(take).toHaveBeenCalledWith({
    refId: 'A',
    pelorus: { version: 1, kind: 'metric', metric: 'change_fail_rate', bucket: 'none', groupBy: ['application'] },
  });
});
