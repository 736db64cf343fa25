import { durationFault, labelsFrom, labelsText, listFrom } from './field_values';

test('lists are read from lines and from commas', () => {
  expect(listFrom(' github.com/acme/shop \n\ngithub.com/acme/till, github.com/acme/web')).toEqual([
    'github.com/acme/shop',
    'github.com/acme/till',
    'github.com/acme/web',
  ]);
});

test('labels are names with values, a line each', () => {
  const labels = { tier: ['web', 'api'], 'app.kubernetes.io/name': ['shop'] };
  expect(labelsText(labels)).toBe('tier=web, api\napp.kubernetes.io/name=shop');
  expect(labelsFrom('tier=web, api\n app.kubernetes.io/name = shop\nunfinished')).toEqual(labels);
});

test.each(['', '24h', '7d', '90s', '3600', '1.5h'])('%p is a duration', (text) => {
  expect(durationFault(text)).toBeUndefined();
});

test.each(['7 days', 'h', '-1d'])('%p is no duration', (text) => {
  expect(durationFault(text)).toBeDefined();
});
