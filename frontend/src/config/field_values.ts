/** How values of fields look while they are edited, and what is stored of them. */

const DURATION = /^\d+(\.\d+)?(ms|s|m|h|d|w)$/;

/** Lines, or what commas part: people paste both. Globs hold neither. */
export function listFrom(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((item) => item.trim())
    .filter(Boolean);
}

export function listText(value: unknown): string {
  if (Array.isArray(value)) {
    return value.join('\n');
  }
  return typeof value === 'string' ? value : '';
}

/** Why a text is no duration, if so. Bare digits are seconds. */
export function durationFault(text: string): string | undefined {
  return text === '' || /^\d+$/.test(text) || DURATION.test(text)
    ? undefined
    : 'A number with a unit, such as 90s, 15m, 24h, 7d or 4w';
}

/** `tier=web, api` a line, as the object the settings hold. */
export function labelsFrom(text: string): Record<string, string[]> {
  const lines = text.split('\n').map((line) => /^\s*([^=\s]+)\s*=(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((line) => (line ? [[line[1] ?? '', listFrom(line[2] ?? '')] as const] : [])));
}

export function labelsText(labels: unknown): string {
  if (typeof labels !== 'object' || labels === null) {
    return '';
  }
  return Object.entries(labels)
    .map(([name, values]) => `${name}=${Array.isArray(values) ? values.join(', ') : String(values)}`)
    .join('\n');
}

/** What an unset field amounts to, as a placeholder. */
export function defaultText(value: unknown, unit?: string | null): string {
  if (value == null || value === '') {
    return '';
  }
  const text = Array.isArray(value) ? value.join(', ') : String(value);
  return unit && /^\d+$/.test(text) ? `${text} ${unit}` : text;
}
