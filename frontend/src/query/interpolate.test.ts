import type { Filter, Question } from '../types';
import { expand, interpolate, interpolateFilter, type Replace, variablesIn } from './interpolate';

/** A host whose dashboard has these variables. */
function dashboard(variables: Record<string, string | string[]>): Replace {
  return (text, format) =>
    text.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => {
      const value = variables[name];
      if (value === undefined) {
        return whole;
      }
      if (typeof format === 'function') {
        return format(value);
      }
      const values = Array.isArray(value) ? value : [value];
      return format === 'regex' && Array.isArray(value) ? `(${values.join('|')})` : values.join(',');
    });
}

const replace = dashboard({ app: ['shop', 'till'], one: ['shop'], team: 'payments', none: [], empty: '' });

const filter = (key: string, operator: string, value: string | string[]): Filter =>
  Array.isArray(value) ? { key, operator, values: value } : { key, operator, value };

test.each([
  ['a text without variables stays', 'shop', ['shop']],
  ['one value replaces the variable', '$team', ['payments']],
  ['several values are several texts', '$app', ['shop', 'till']],
  ['the text around is repeated', 'pay/$app-x', ['pay/shop-x', 'pay/till-x']],
  ['two variables multiply', '$app/${app}', ['shop/shop', 'shop/till', 'till/shop', 'till/till']],
  ['an unknown variable stays to be seen', '$nobody', ['$nobody']],
  ['an empty variable is no text', '$empty', []],
  ['a variable without values is no text', '$none', []],
])('%s', (_, text, expected) => {
  expect(expand(text, replace)).toEqual(expected);
});

test('values hold commas and bars without being torn apart', () => {
  expect(expand('$app', dashboard({ app: ['a,b', 'c|d'] }))).toEqual(['a,b', 'c|d']);
});

test.each([
  ['equals several is one of', filter('application', '=', '$app'), filter('application', '=|', ['shop', 'till'])],
  [
    'differs from several is none of',
    filter('application', '!=', '$app'),
    filter('application', '!=|', ['shop', 'till']),
  ],
  ['equals one stays equals', filter('application', '=', '$one'), filter('application', '=', 'shop')],
  ['a list grows', filter('application', '=|', ['web', '$app']), filter('application', '=|', ['web', 'shop', 'till'])],
  [
    'a list holds nothing twice',
    filter('application', '=|', ['shop', '$app']),
    filter('application', '=|', ['shop', 'till']),
  ],
  [
    'an expression gets alternatives',
    filter('application', '=~', 'pay/$app'),
    filter('application', '=~', 'pay/(shop|till)'),
  ],
  ["an expression's end is no variable", filter('application', '!~', '^shop$'), filter('application', '!~', '^shop$')],
])('%s', (_, before, after) => {
  expect(interpolateFilter(before, replace)).toEqual(after);
});

test('every text of a question is filled in', () => {
  const question: Question = {
    version: 1,
    kind: 'metric',
    metric: '$metric',
    statistic: '$statistic',
    bucket: '$bucket',
    timezone: '$zone',
    groupBy: ['$by', 'team'],
    limit: 5,
  };
  const host = dashboard({
    metric: 'deployments',
    statistic: 'count',
    bucket: 'week',
    zone: 'Europe/Berlin',
    by: ['team', 'environment'],
  });
  expect(interpolate(question, host)).toEqual({
    version: 1,
    kind: 'metric',
    metric: 'deployments',
    statistic: 'count',
    bucket: 'week',
    timezone: 'Europe/Berlin',
    groupBy: ['team', 'environment'],
    limit: 5,
  });
});

test('ad hoc filters come after the own ones, unfinished and empty filters do not go out', () => {
  const question: Question = {
    version: 1,
    kind: 'scorecard',
    filters: [filter('team', '=', '$team'), filter('cluster', '=', '$empty'), filter('severity', '=', '')],
  };
  const adHoc = [
    { key: 'environment', operator: '=', value: 'production' },
    { key: 'application', operator: '=|', value: 'shop', values: ['shop', 'till'] },
    { key: 'author', operator: '=', value: '' },
  ];
  expect(interpolate(question, replace, adHoc)).toEqual({
    version: 1,
    kind: 'scorecard',
    filters: [
      { key: 'team', operator: '=', value: 'payments' },
      { key: 'environment', operator: '=', value: 'production' },
      { key: 'application', operator: '=|', values: ['shop', 'till'] },
    ],
  });
});

test('a question whose filters all come out empty has none', () => {
  const question: Question = { version: 1, kind: 'quality', filters: [filter('team', '=', '$none')] };
  expect(interpolate(question, replace)).toEqual({ version: 1, kind: 'quality' });
});

test('the question given is left as it was', () => {
  const question: Question = { version: 1, kind: 'metric', filters: [filter('team', '=', '$app')] };
  const before = structuredCloneOf(question);
  interpolate(Object.freeze(question), replace);
  expect(question).toEqual(before);
});

test('variables are found in every notation, ends of expressions are not', () => {
  const question: Question = {
    version: 1,
    kind: 'metric',
    metric: '$metric',
    groupBy: ['[[by]]'],
    filters: [filter('team', '=', '${team:raw}'), filter('application', '=~', '^shop$')],
  };
  expect(variablesIn(question)).toEqual(['metric', 'by', 'team']);
});

function structuredCloneOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
