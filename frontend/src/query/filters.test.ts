import { fromAdHoc, withKey, withOperator } from './filters';

test('a value moves into the list and the first of a list moves out', () => {
  const single = { key: 'team', operator: '=', value: 'payments' };
  const list = { key: 'team', operator: '=|', values: ['payments'] };
  expect(withOperator(single, '=|')).toEqual(list);
  expect(withOperator({ ...list, values: ['payments', 'search'] }, '!=')).toEqual({
    key: 'team',
    operator: '!=',
    value: 'payments',
  });
});

test('another key forgets the value of the old one', () => {
  expect(withKey({ key: 'team', operator: '=|', values: ['payments'] }, 'cluster')).toEqual({
    key: 'cluster',
    operator: '=|',
    values: [],
  });
});

test('an ad hoc list operator without a list takes its single value', () => {
  expect(fromAdHoc({ key: 'team', operator: '=|', value: 'payments' })).toEqual({
    key: 'team',
    operator: '=|',
    values: ['payments'],
  });
});

test('an operator we do not know goes to the backend, which refuses it by name', () => {
  expect(fromAdHoc({ key: 'team', operator: '<', value: '3' })).toEqual({ key: 'team', operator: '<', value: '3' });
});
