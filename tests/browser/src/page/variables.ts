/** Dashboard variables, replaced as Grafana replaces them. */
import type { ScopedVars } from '@grafana/data';

export interface Variable {
  name: string;
  /** What is chosen: one value, several, or all. */
  value: string | string[];
  /** What stands for all, as it is: the variable's "custom all value". */
  all?: string;
}

export type Format = string | ((value: string | string[]) => string);

const REFERENCE = /\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]/g;

export function replaceVariables(
  text: string,
  variables: Variable[],
  scoped: ScopedVars = {},
  format: Format = 'glob'
): string {
  return text.replace(REFERENCE, (match, bare, braced, bracedFormat, bracketed, bracketedFormat) => {
    const name = bare ?? braced ?? bracketed;
    const wanted = bracedFormat ?? bracketedFormat ?? format;
    const scope = scoped[name];
    if (scope) {
      return formatted(scope.value, wanted);
    }
    const variable = variables.find((candidate) => candidate.name === name);
    if (!variable) {
      return match;
    }
    // A custom all value is never formatted: it is already what the query wants.
    const isAll = [variable.value].flat().includes('$__all');
    return isAll && variable.all !== undefined ? variable.all : formatted(variable.value, wanted);
  });
}

function formatted(value: string | string[], format: Format): string {
  if (typeof format === 'function') {
    return String(format(value));
  }
  if (!Array.isArray(value)) {
    return format === 'regex' ? escaped(value) : format === 'percentencode' ? encodeURIComponent(value) : String(value);
  }
  switch (format) {
    case 'regex':
      return value.length === 1 ? escaped(value[0] ?? '') : `(${value.map(escaped).join('|')})`;
    case 'csv':
    case 'raw':
      return value.join(',');
    case 'percentencode':
      return encodeURIComponent(value.join(','));
    default:
      return value.length === 1 ? String(value[0]) : `{${value.join(',')}}`;
  }
}

function escaped(value: string): string {
  return value.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
}
