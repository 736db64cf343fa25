/**
 * Changes to the data source's settings. Each gives new settings; Grafana freezes the old ones.
 * Secrets go to secureJsonData under `<source>__<field>` and nowhere else.
 */
import type { DataSourceSettings } from '@grafana/data';
import type { PelorusOptions, PelorusSecrets, Source } from '../types';

export type Settings = DataSourceSettings<PelorusOptions, PelorusSecrets>;

const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** Names hold no underscore, so the two parts of a key cannot be confused. */
export function secretKey(source: string, field: string): string {
  return `${source}__${field}`;
}

export function sourcesOf(settings: Settings): Source[] {
  const { sources } = settings.jsonData;
  return Array.isArray(sources) ? sources : [];
}

/** Why a source cannot bear a name, if so. `others` are the names of the other sources. */
export function nameFault(name: string, others: string[]): string | undefined {
  if (!NAME.test(name)) {
    return 'Lower-case letters, digits and hyphens, at most 40, starting with a letter or digit';
  }
  return others.includes(name) ? `Another source is called ${name}` : undefined;
}

/** Sets one top-level setting; a dotted key (`evidence.revert_age`) goes into the object before the dot. */
export function withSetting(settings: Settings, key: string, value: unknown): Settings {
  const dot = key.indexOf('.');
  if (dot < 0) {
    return { ...settings, jsonData: withEntry(settings.jsonData, key, value) };
  }
  const outer = key.slice(0, dot);
  const inner = withEntry(asObject(settings.jsonData[outer]), key.slice(dot + 1), value);
  const kept = Object.keys(inner).length > 0 ? inner : undefined;
  return { ...settings, jsonData: withEntry(settings.jsonData, outer, kept) };
}

export function settingOf(settings: Settings, key: string): unknown {
  const dot = key.indexOf('.');
  return dot < 0 ? settings.jsonData[key] : asObject(settings.jsonData[key.slice(0, dot)])[key.slice(dot + 1)];
}

/** Adds a source of a kind under a free name made from it: `github-actions`, then `github-actions-2`. */
export function addSource(settings: Settings, kind: string): Settings {
  const sources = sourcesOf(settings);
  const taken = sources.map(({ name }) => name);
  const stem = kind.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  let name = stem;
  for (let number = 2; taken.includes(name); number += 1) {
    name = `${stem}-${number}`;
  }
  return withSources(settings, [...sources, { name, kind }]);
}

export function withSourceField(settings: Settings, index: number, key: string, value: unknown): Settings {
  return withSources(
    settings,
    sourcesOf(settings).map((source, at) => (at === index ? withEntry(source, key, value) : source))
  );
}

export function moveSource(settings: Settings, index: number, by: -1 | 1): Settings {
  return withSources(settings, moved(sourcesOf(settings), index, by));
}

/** Removes a source and what is stored as its secrets, lest a later source of that name inherits them. */
export function removeSource(settings: Settings, index: number): Settings {
  const sources = sourcesOf(settings);
  const source = sources[index];
  if (!source) {
    return settings;
  }
  const erased = secretKeysOf(settings, source.name).reduce(eraseSecret, settings);
  return withSources(
    erased,
    sources.filter((_, at) => at !== index)
  );
}

/**
 * Renames a source. Secrets typed just now move along; stored ones cannot be read back, so their fields come back in
 * `lost` (as keys under the new name) for the editor to ask for them again.
 */
export function renameSource(settings: Settings, index: number, name: string): { settings: Settings; lost: string[] } {
  const old = sourcesOf(settings)[index]?.name ?? '';
  const lost: string[] = [];
  let changed = withSourceField(settings, index, 'name', name);
  for (const key of secretKeysOf(settings, old)) {
    const renamed = name + key.slice(old.length);
    const typed = settings.secureJsonData?.[key];
    const stored = Boolean(settings.secureJsonFields?.[key]);
    changed = eraseSecret(changed, key);
    if (typed) {
      changed = withSecret(changed, renamed, typed);
    } else if (stored) {
      lost.push(renamed);
    }
  }
  return { settings: changed, lost };
}

export function withSecret(settings: Settings, key: string, value: string): Settings {
  return { ...settings, secureJsonData: { ...settings.secureJsonData, [key]: value } };
}

/** Grafana keeps a stored secret unless it is told the empty text. */
export function eraseSecret(settings: Settings, key: string): Settings {
  return {
    ...settings,
    secureJsonFields: { ...settings.secureJsonFields, [key]: false },
    secureJsonData: { ...settings.secureJsonData, [key]: '' },
  };
}

/** The list with one item moved up or down; as it was where there is no room. */
export function moved<T>(items: T[], index: number, by: -1 | 1): T[] {
  const target = index + by;
  if (target < 0 || target >= items.length) {
    return items;
  }
  const result = [...items];
  result.splice(target, 0, ...result.splice(index, 1));
  return result;
}

/** The object with one entry set; an unset value leaves no key behind, so that Rust's default holds. */
export function withEntry<T extends object>(object: T, key: string, value: unknown): T {
  const unset = value == null || value === '' || (Array.isArray(value) && value.length === 0);
  const entries = Object.entries(object).filter(([existing]) => existing !== key || !unset);
  const result = Object.fromEntries(entries) as T;
  return unset ? result : { ...result, [key]: value };
}

function secretKeysOf(settings: Settings, source: string): string[] {
  const keys = [...Object.keys(settings.secureJsonFields ?? {}), ...Object.keys(settings.secureJsonData ?? {})];
  return [...new Set(keys)].filter((key) => key.startsWith(secretKey(source, '')));
}

function withSources(settings: Settings, sources: Source[]): Settings {
  return { ...settings, jsonData: { ...settings.jsonData, sources } };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
