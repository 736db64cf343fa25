import React, { useRef, useState } from 'react';
import { Button, Combobox, Stack, Text } from '@grafana/ui';
import { HiddenLabel } from '../query/HiddenLabel';
import type { FieldDescription, SourceKind } from '../resources';
import type { Secret } from './FieldInput';
import {
  addSource,
  eraseSecret,
  moveSource,
  removeSource,
  renameSource,
  secretKey,
  type Settings,
  sourcesOf,
  withSecret,
  withSourceField,
} from './settings';
import { SourceCard } from './SourceCard';

interface Props {
  settings: Settings;
  onChange: (settings: Settings) => void;
  kinds: SourceKind[];
  disabled?: boolean;
}

const GROUPS: Record<string, string> = {
  git: 'Git hosts',
  ci: 'Build and deployment systems',
  cluster: 'Clusters',
  tickets: 'Trackers and incidents',
  files: 'Files and webhooks',
  history: 'History',
};

// No source is called so: names hold no underscore.
const NEW = 'new_';

/** The list of sources: add, rename, reorder, remove, and the settings of each. */
export function SourcesEditor({ settings, onChange, kinds, disabled }: Props) {
  const [kindToAdd, setKindToAdd] = useState<string | null>(null);
  // Secrets a rename left behind; asked for until they are typed, and only as long as this page is open.
  const [lost, setLost] = useState<string[]>([]);
  // Which card shows which source: a card stays open while its source is renamed or moved.
  const [cards, setCards] = useState<Record<string, string>>({});
  const added = useRef(0);
  const sources = sourcesOf(settings);
  const cardOf = (name: string) => cards[name] ?? name;

  const secretOf = (source: string, field: FieldDescription): Secret => {
    const key = secretKey(source, field.key);
    const stored = Boolean(settings.secureJsonFields?.[key]);
    const typed = settings.secureJsonData?.[key] ?? '';
    return {
      stored,
      typed,
      askAgain: lost.includes(key) && !stored && !typed,
      onType: (value) => onChange(withSecret(settings, key, value)),
      onReset: () => onChange(eraseSecret(settings, key)),
    };
  };

  const rename = (index: number, name: string) => {
    const old = sources[index]?.name ?? '';
    const renamed = renameSource(settings, index, name);
    // A second rename keeps asking for what the first one left behind.
    const [from, to] = [secretKey(old, ''), secretKey(name, '')];
    const carried = lost.map((key) => (key.startsWith(from) ? to + key.slice(from.length) : key));
    setLost([...carried, ...renamed.lost]);
    setCards({ ...cards, [name]: cardOf(old) });
    onChange(renamed.settings);
  };

  const add = (kind: string) => {
    const grown = addSource(settings, kind);
    const name = sourcesOf(grown).at(-1)?.name ?? '';
    added.current += 1;
    setCards({ ...cards, [name]: `${NEW}${added.current}` });
    onChange(grown);
  };

  return (
    <Stack direction="column" gap={1}>
      {sources.length === 0 && <Text color="secondary">No sources yet. Numbers come from sources: add one.</Text>}
      {sources.map((source, index) => {
        const otherNames = sources.filter((_, at) => at !== index).map(({ name }) => name);
        return (
          <SourceCard
            key={cardOf(source.name)}
            isNew={cardOf(source.name).startsWith(NEW)}
            source={source}
            kind={kinds.find(({ name }) => name === source.kind)}
            otherNames={otherNames}
            first={index === 0}
            last={index === sources.length - 1}
            disabled={disabled}
            secretOf={(field) => secretOf(source.name, field)}
            onField={(key, value) => onChange(withSourceField(settings, index, key, value))}
            onRename={(name) => rename(index, name)}
            onMove={(by) => onChange(moveSource(settings, index, by))}
            onRemove={() => onChange(removeSource(settings, index))}
          />
        );
      })}
      <Stack direction="row" gap={1} alignItems="center">
        <HiddenLabel htmlFor="pelorus-kind-to-add">Kind of the source to add</HiddenLabel>
        <Combobox
          id="pelorus-kind-to-add"
          width={40}
          disabled={disabled || kinds.length === 0}
          placeholder="Choose a kind of source"
          options={Object.keys(GROUPS).flatMap((group) =>
            kinds
              .filter((kind) => kind.group === group)
              .map(({ name, title, help }) => ({ value: name, label: title, description: help, group: GROUPS[group] }))
          )}
          value={kindToAdd}
          onChange={({ value }) => setKindToAdd(value)}
        />
        <Button
          type="button"
          icon="plus"
          variant="secondary"
          disabled={disabled || !kindToAdd}
          onClick={() => {
            if (kindToAdd) {
              add(kindToAdd);
              setKindToAdd(null);
            }
          }}
        >
          Add source
        </Button>
      </Stack>
    </Stack>
  );
}
