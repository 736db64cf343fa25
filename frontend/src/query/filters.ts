/** Editing of filters: every function gives a new filter or list and leaves the old one as it was. */
import type { AdHocVariableFilter } from '@grafana/data';
import type { Filter } from '../types';
import { takesMany } from './question';

/** The filter with another operator; its value moves between the single and the list form. */
export function withOperator(filter: Filter, operator: string): Filter {
  const values = valuesOf(filter);
  return takesMany(operator)
    ? { key: filter.key, operator, values }
    : { key: filter.key, operator, value: values[0] ?? '' };
}

/** The filter on another key; a value of the old key would match nothing. */
export function withKey(filter: Filter, key: string): Filter {
  return withValues({ ...filter, key }, []);
}

export function withValues(filter: Filter, values: string[]): Filter {
  const { key, operator } = filter;
  return takesMany(operator) ? { key, operator, values } : { key, operator, value: values[0] ?? '' };
}

export function valuesOf(filter: Filter): string[] {
  const values = takesMany(filter.operator) ? filter.values : [filter.value ?? ''];
  return (values ?? []).filter((value) => value !== '');
}

/** A dashboard's ad hoc filter in the query's form. Unknown operators pass, so that Rust can refuse them by name. */
export function fromAdHoc({ key, operator, value, values }: AdHocVariableFilter): Filter {
  if (!takesMany(operator)) {
    return { key, operator, value };
  }
  return { key, operator, values: values?.length ? values : [value].filter((one) => one !== '') };
}
