import {
  addSource,
  moveSource,
  nameFault,
  removeSource,
  renameSource,
  type Settings,
  withSetting,
  withSourceField,
} from './settings';

const settings = (changes: Partial<Settings> = {}): Settings =>
  deepFreeze({
    jsonData: {
      sources: [
        { name: 'shop-code', kind: 'github', owner: 'acme' },
        { name: 'tickets', kind: 'jira' },
      ],
    },
    secureJsonFields: { 'shop-code__token': true, tickets__token: true },
    secureJsonData: {},
    ...changes,
  } as Settings);

test('a new source gets a free name made from its kind', () => {
  const once = addSource(settings({ jsonData: {} }), 'github_actions');
  const twice = addSource(once, 'github_actions');
  expect(twice.jsonData.sources).toEqual([
    { name: 'github-actions', kind: 'github_actions' },
    { name: 'github-actions-2', kind: 'github_actions' },
  ]);
});

test('an unset field leaves no key behind', () => {
  expect(withSourceField(settings(), 0, 'owner', '').jsonData.sources?.[0]).toEqual({
    name: 'shop-code',
    kind: 'github',
  });
});

test('a stored secret is lost by a rename and erased under the old name', () => {
  const { settings: renamed, lost } = renameSource(settings(), 0, 'acme-code');
  expect(lost).toEqual(['acme-code__token']);
  expect(renamed.jsonData.sources?.[0]?.name).toBe('acme-code');
  expect(renamed.secureJsonFields).toEqual({ 'shop-code__token': false, tickets__token: true });
  expect(renamed.secureJsonData).toEqual({ 'shop-code__token': '' });
});

test('a secret typed just now moves along with a rename', () => {
  const typed = settings({ secureJsonFields: {}, secureJsonData: { 'shop-code__token': 'canary' } });
  const { settings: renamed, lost } = renameSource(typed, 0, 'acme-code');
  expect(lost).toEqual([]);
  expect(renamed.secureJsonData).toEqual({ 'shop-code__token': '', 'acme-code__token': 'canary' });
});

test('a removed source takes its own secrets along and no others', () => {
  const removed = removeSource(settings(), 0);
  expect(removed.jsonData.sources).toEqual([{ name: 'tickets', kind: 'jira' }]);
  expect(removed.secureJsonFields).toEqual({ 'shop-code__token': false, tickets__token: true });
  expect(removed.secureJsonData).toEqual({ 'shop-code__token': '' });
});

test('moving changes the order and nothing else', () => {
  const moved = moveSource(settings(), 1, -1);
  expect(moved.jsonData.sources?.map(({ name }) => name)).toEqual(['tickets', 'shop-code']);
  expect(moved.secureJsonFields).toEqual(settings().secureJsonFields);
  expect(moveSource(settings(), 0, -1).jsonData).toEqual(settings().jsonData);
});

test('a dotted setting lives in its object, and the object goes with its last setting', () => {
  const set = withSetting(settings({ jsonData: {} }), 'evidence.revert_age', '14d');
  expect(set.jsonData).toEqual({ evidence: { revert_age: '14d' } });
  expect(withSetting(set, 'evidence.revert_age', '').jsonData).toEqual({});
});

test.each([
  ['shop-code', undefined],
  ['0', undefined],
  ['a'.repeat(40), undefined],
  ['a'.repeat(41), 'Lower-case letters'],
  ['', 'Lower-case letters'],
  ['-shop', 'Lower-case letters'],
  ['Shop', 'Lower-case letters'],
  ['shop__token', 'Lower-case letters'],
  ['tickets', 'Another source is called tickets'],
])('the name %p is judged: %p', (name, fault) => {
  const judged = nameFault(name, ['tickets']);
  expect(fault ? judged?.startsWith(fault) : judged === undefined).toBe(true);
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
