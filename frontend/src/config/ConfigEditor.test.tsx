import React, { useState } from 'react';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { KindsAnswer } from '../resources';
import { ConfigEditor } from './ConfigEditor';
import type { Settings } from './settings';

const mockKinds = jest.fn();
const mockSources = jest.fn();
const mockCheck = jest.fn();
jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getDataSourceSrv: () => ({ get: async () => ({ kinds: mockKinds, sources: mockSources, check: mockCheck }) }),
}));

const kinds: KindsAnswer = {
  kinds: [
    {
      name: 'github',
      group: 'git',
      title: 'GitHub',
      help: 'Commits and pull requests.',
      fields: [
        { key: 'token', title: 'Token', type: 'secret', required: true, help: 'A fine-grained token.' },
        { key: 'repositories', title: 'Repositories', type: 'text_list', required: true },
        { key: 'timeout', title: 'Timeout', type: 'duration', required: false, default: '30s' },
        { key: 'archived', title: 'Archived repositories', type: 'boolean', required: false, default: false },
      ],
    },
  ],
  settings: [
    { key: 'timezone', title: 'Time zone', type: 'text', required: false, placeholder: 'Europe/Berlin' },
    { key: 'evidence.revert_age', title: 'Age of reverts', type: 'duration', required: false, default: '7d' },
  ],
};

beforeEach(() => {
  mockKinds.mockResolvedValue(kinds);
  mockSources.mockResolvedValue([]);
});

/** Draws the page over stored settings, frozen as Grafana freezes them; `current()` is what a save would send. */
function edit(changes: Partial<Settings> = {}) {
  let current = { uid: 'dora', type: 'pelorus-dora-datasource', version: 1, jsonData: {}, ...changes } as Settings;
  function Host() {
    const [options, setOptions] = useState(current);
    current = options;
    return <ConfigEditor options={deepFreeze(options)} onOptionsChange={setOptions} />;
  }
  render(<Host />);
  return { current: () => current, user: userEvent.setup() };
}

const stored: Partial<Settings> = {
  jsonData: { sources: [{ name: 'shop-code', kind: 'github', repositories: ['acme/shop'] }] },
  secureJsonFields: { 'shop-code__token': true },
};

async function unfold(user: ReturnType<typeof userEvent.setup>, name: string) {
  await user.click(await screen.findByRole('button', { name: `Unfold ${name}` }));
}

test('a source is added and filled in, its secret goes to secureJsonData only', async () => {
  const { current, user } = edit();
  await user.click(await screen.findByRole('combobox', { name: 'Kind of the source to add' }));
  await user.click(await screen.findByRole('option', { name: /^GitHub/ }));
  await user.click(screen.getByRole('button', { name: 'Add source' }));
  await user.type(screen.getByLabelText(/^Token/), 'canary');
  await user.type(screen.getByLabelText(/^Repositories/), 'acme/shop{Enter}acme/till');
  await user.click(screen.getByLabelText(/^Archived/));

  expect(current().jsonData).toEqual({
    sources: [{ name: 'github', kind: 'github', repositories: ['acme/shop', 'acme/till'], archived: true }],
  });
  expect(current().secureJsonData).toEqual({ github__token: 'canary' });
  expect(JSON.stringify(current().jsonData)).not.toContain('canary');
});

test('a stored secret is shown as configured and can be reset', async () => {
  const { current, user } = edit(stored);
  await unfold(user, 'source shop-code');
  expect(screen.getByLabelText(/^Token/)).toHaveValue('configured');

  await user.click(screen.getByRole('button', { name: /reset/i }));
  expect(current().secureJsonFields).toEqual({ 'shop-code__token': false });
  expect(current().secureJsonData).toEqual({ 'shop-code__token': '' });
  expect(screen.getByLabelText(/^Token/)).toHaveValue('');
});

test('a renamed source asks for its secret again until it is typed', async () => {
  const { current, user } = edit(stored);
  await unfold(user, 'source shop-code');
  const name = screen.getByLabelText(/^Name/);
  await user.clear(name);
  await user.type(name, 'acme-code{Enter}');

  expect(current().jsonData.sources?.[0]?.name).toBe('acme-code');
  expect(screen.getByText(/enter the secret again/)).toBeInTheDocument();

  await user.type(screen.getByLabelText(/^Token/), 'canary');
  expect(current().secureJsonData).toEqual({ 'shop-code__token': '', 'acme-code__token': 'canary' });
  expect(screen.queryByText(/enter the secret again/)).not.toBeInTheDocument();
});

test('a second rename still asks for the secret the first one left behind', async () => {
  const { current, user } = edit(stored);
  await unfold(user, 'source shop-code');
  for (const renamed of ['acme-code', 'shop-code']) {
    const name = screen.getByLabelText(/^Name/);
    await user.clear(name);
    await user.type(name, `${renamed}{Enter}`);
  }
  expect(current().jsonData.sources?.[0]?.name).toBe('shop-code');
  expect(screen.getByText(/enter the secret again/)).toBeInTheDocument();
});

test('an impossible name is refused with the reason, and the settings keep the good one', async () => {
  const { current, user } = edit(stored);
  await unfold(user, 'source shop-code');
  const name = screen.getByLabelText(/^Name/);
  await user.clear(name);
  await user.type(name, 'Shop Code{Enter}');
  expect(screen.getByText(/^Lower-case letters, digits and hyphens/)).toBeInTheDocument();
  expect(current().jsonData.sources?.[0]?.name).toBe('shop-code');
});

test('a source is removed after a second click', async () => {
  const { current, user } = edit(stored);
  await user.click(await screen.findByRole('button', { name: 'Remove source shop-code' }));
  expect(current().jsonData.sources).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Remove source shop-code' }));
  expect(current().jsonData.sources).toEqual([]);
});

test('sources are reordered', async () => {
  const { current, user } = edit({
    jsonData: {
      sources: [
        { name: 'a', kind: 'github' },
        { name: 'b', kind: 'github' },
      ],
    },
  });
  await user.click(await screen.findByRole('button', { name: 'Move source b up' }));
  expect(current().jsonData.sources?.map(({ name }) => name)).toEqual(['b', 'a']);
});

test('an application rule is added with lists and labels', async () => {
  const { current, user } = edit();
  await user.click(await screen.findByRole('button', { name: 'Add application rule' }));
  await user.type(screen.getByLabelText(/^Application/), 'payments/shop');
  await user.type(screen.getByLabelText(/^Namespaces/), 'shop-*');
  await user.type(screen.getByLabelText(/^Labels/), 'tier=web, api');
  expect(current().jsonData.applications).toEqual([
    { name: 'payments/shop', namespaces: ['shop-*'], labels: { tier: ['web', 'api'] } },
  ]);
});

test('top-level settings come from the backend, nested ones into their object', async () => {
  const { current, user } = edit();
  await user.click(await screen.findByRole('button', { name: 'Expand section General' }));
  await user.type(screen.getByLabelText(/^Time zone/), 'UTC');
  await user.type(screen.getByLabelText(/^Age of reverts/), '14d');
  expect(current().jsonData).toEqual({ timezone: 'UTC', evidence: { revert_age: '14d' } });
});

test('a malformed duration is named while it is typed', async () => {
  const { user } = edit();
  await user.click(await screen.findByRole('button', { name: 'Expand section General' }));
  await user.type(screen.getByLabelText(/^Age of reverts/), 'a week');
  expect(screen.getByText(/^A number with a unit/)).toBeInTheDocument();
});

test('without the backend the reason is shown, sources stay as they are, and asking again helps', async () => {
  mockKinds.mockRejectedValueOnce({ data: { error: 'plugin unavailable' } });
  const { current, user } = edit(stored);
  expect(await screen.findByText(/^plugin unavailable/)).toBeInTheDocument();
  await unfold(user, 'source shop-code');
  expect(screen.getByText('The settings of github sources cannot be shown')).toBeInTheDocument();
  expect(current()).toMatchObject(stored);

  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByLabelText(/^Repositories/)).toHaveValue('acme/shop');
});

test('provisioned settings cannot be edited', async () => {
  const { user } = edit({ ...stored, readOnly: true });
  await unfold(user, 'source shop-code');
  expect(screen.getByLabelText(/^Repositories/)).toBeDisabled();
  expect(screen.getByRole('button', { name: 'Remove source shop-code' })).toBeDisabled();
});

test('the state of saved sources is shown, and a check says what to do', async () => {
  mockSources.mockResolvedValue([
    {
      name: 'shop-code',
      kind: 'github',
      events: 123,
      covered: [{ from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }],
      lastSync: null,
      syncing: true,
      progress: { done: 12000, total: 18785 },
      error: null,
    },
  ]);
  mockCheck.mockResolvedValue([
    { source: 'shop-code', kind: 'github', ok: false, message: 'The token has expired.', advice: 'Make a new one.' },
  ]);
  const { user } = edit(stored);
  await user.click(await screen.findByRole('button', { name: 'Expand section State' }));
  expect(await screen.findByText(/^123 events/)).toBeInTheDocument();
  expect(screen.getByText('reading 12,000 of 18,785')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Check shop-code' }));
  expect(await screen.findByText('The token has expired. Make a new one.')).toBeInTheDocument();
  expect(mockCheck).toHaveBeenCalledWith('shop-code');
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
