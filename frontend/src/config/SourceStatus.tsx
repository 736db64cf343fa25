import React, { useCallback, useEffect, useState } from 'react';
import { dateTimeFormat } from '@grafana/data';
import { Alert, Badge, Button, Stack, Text } from '@grafana/ui';
import type { PelorusDataSource } from '../datasource';
import { type CheckResult, failureSentence, type SourceState } from '../resources';
import { useAnswer } from '../use_answer';

interface Props {
  connect: () => Promise<PelorusDataSource>;
}

/** How often the state is asked for while a source is being read, in milliseconds. */
const WHILE_READING = 2_000;

/** What the saved sources hold, with buttons to check and to read them now. */
export function SourceStatus({ connect }: Props) {
  const { answer, failure, askAgain } = useAnswer(useCallback(async () => (await connect()).sources(), [connect]));
  const [checks, setChecks] = useState<Record<string, CheckResult>>({});
  const [said, setSaid] = useState<{ severity: 'info' | 'error'; text: string }>();
  const [busy, setBusy] = useState(false);

  const isReading = (answer ?? []).some(({ syncing }) => syncing);
  useEffect(() => {
    if (!isReading) {
      return undefined;
    }
    const timer = setInterval(askAgain, WHILE_READING);
    return () => clearInterval(timer);
  }, [isReading, askAgain]);

  const run = async (work: (datasource: PelorusDataSource) => Promise<string | undefined>) => {
    setBusy(true);
    try {
      const text = await work(await connect());
      setSaid(text ? { severity: 'info', text } : undefined);
    } catch (reason) {
      setSaid({ severity: 'error', text: failureSentence(reason) });
    } finally {
      setBusy(false);
      askAgain();
    }
  };
  const check = (source?: string) =>
    run(async (datasource) => {
      const results = await datasource.check(source);
      setChecks((before) => ({ ...before, ...Object.fromEntries(results.map((result) => [result.source, result])) }));
      return undefined;
    });
  const sync = (source?: string) =>
    run(async (datasource) => {
      const started = await datasource.sync(source);
      return started.length > 0 ? `Reading started: ${started.join(', ')}` : 'Every source is being read already';
    });

  if (failure) {
    return (
      <Alert severity="info" title="The state of the sources is not known">
        <p>{failure}</p>
        <Button type="button" size="sm" variant="secondary" onClick={askAgain}>
          Try again
        </Button>
      </Alert>
    );
  }
  return (
    <Stack direction="column" gap={1}>
      {said && <Alert severity={said.severity} title={said.text} />}
      {(answer ?? []).map((source) => (
        <SourceLine
          key={source.name}
          source={source}
          check={checks[source.name]}
          busy={busy}
          onCheck={() => check(source.name)}
          onSync={() => sync(source.name)}
        />
      ))}
      {answer?.length === 0 && <Text color="secondary">No source is saved yet.</Text>}
      <Stack direction="row" gap={1}>
        <Button type="button" size="sm" variant="secondary" disabled={busy} onClick={() => check()}>
          Check all
        </Button>
        <Button type="button" size="sm" variant="secondary" disabled={busy} onClick={() => sync()}>
          Read all now
        </Button>
        <Button type="button" size="sm" variant="secondary" fill="text" onClick={askAgain}>
          Refresh
        </Button>
      </Stack>
    </Stack>
  );
}

interface LineProps {
  source: SourceState;
  check?: CheckResult;
  busy: boolean;
  onCheck: () => void;
  onSync: () => void;
}

function SourceLine({ source, check, busy, onCheck, onSync }: LineProps) {
  const from = source.covered[0]?.from;
  const to = source.covered.at(-1)?.to;
  const facts = [
    `${source.events} events`,
    from && to ? `covered ${day(from)} to ${day(to)}` : 'nothing covered yet',
    source.lastSync ? `last read ${dateTimeFormat(source.lastSync)}` : 'never read',
    source.covered.length > 1 ? `${source.covered.length - 1} gaps` : '',
  ];
  return (
    <Stack direction="column" gap={0.5}>
      <Stack direction="row" gap={1} alignItems="center" wrap="wrap">
        <Text weight="medium">{source.name}</Text>
        {source.syncing && <Badge text={readingText(source.progress)} color="blue" />}
        {source.error && <Badge text="failing" color="red" />}
        {check && <Badge text={check.ok ? 'works' : 'check failed'} color={check.ok ? 'green' : 'red'} />}
        <Text color="secondary">{facts.filter(Boolean).join(' · ')}</Text>
        <Button
          type="button"
          size="sm"
          fill="text"
          disabled={busy}
          aria-label={`Check ${source.name}`}
          onClick={onCheck}
        >
          Check
        </Button>
        <Button
          type="button"
          size="sm"
          fill="text"
          disabled={busy}
          aria-label={`Read ${source.name} now`}
          onClick={onSync}
        >
          Read now
        </Button>
      </Stack>
      {source.error && <Text color="error">{source.error}</Text>}
      {check && <Text color="secondary">{[check.message, check.reading, check.advice].filter(Boolean).join(' ')}</Text>}
    </Stack>
  );
}

function readingText(progress: SourceState['progress']): string {
  if (!progress) {
    return 'reading';
  }
  const done = progress.done.toLocaleString();
  return progress.total ? `reading ${done} of ${progress.total.toLocaleString()}` : `reading ${done}`;
}

const day = (time: string) => dateTimeFormat(time, { format: 'YYYY-MM-DD' });
