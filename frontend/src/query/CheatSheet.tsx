import React from 'react';
import type { QueryEditorHelpProps } from '@grafana/data';
import { Button, Stack, Text } from '@grafana/ui';
import type { PelorusQuery, Question } from '../types';
import { displayText } from './display_text';

interface Example {
  title: string;
  help: string;
  question: Omit<Question, 'version'>;
}

export const EXAMPLES: Example[] = [
  {
    title: 'How long does a change take to reach production?',
    help: 'The median from commit to the deployment that delivers it, per week.',
    question: {
      kind: 'metric',
      metric: 'change_lead_time',
      statistic: 'p50',
      bucket: 'week',
      groupBy: ['application'],
    },
  },
  {
    title: 'How often do we deploy?',
    help: 'Deployments a day over the 30 days that end with each day: a smooth line.',
    question: { kind: 'metric', metric: 'deployment_frequency', bucket: 'rolling:30', groupBy: ['team'] },
  },
  {
    title: 'What share of deployments fails?',
    help: 'One number per application, ready for a table, a gauge or an alert rule.',
    question: { kind: 'metric', metric: 'change_fail_rate', bucket: 'none', groupBy: ['application'] },
  },
  {
    title: 'How do we compare with the DORA bands?',
    help: 'All five keys with band, trend and the number of events they rest on.',
    question: { kind: 'scorecard', groupBy: ['team'] },
  },
  {
    title: 'Where does the lead time go?',
    help: 'Coding, pickup, review, merge, build and deploy.',
    question: { kind: 'breakdown', statistic: 'mean', groupBy: ['application'] },
  },
  {
    title: 'Which deployments failed, and why?',
    help: 'The rows behind the fail rate, with the rule that said so.',
    question: { kind: 'events', table: 'deployments', filters: [{ key: 'rule', operator: '=~', value: '.+' }] },
  },
  {
    title: 'How far can I trust these numbers?',
    help: 'What each source covers and until when; what is unlinked, shadowed or odd.',
    question: { kind: 'quality' },
  },
];

/** Help beside the query editor; a click takes an example over. */
export function CheatSheet({ onClickExample }: Pick<QueryEditorHelpProps<PelorusQuery>, 'onClickExample'>) {
  return (
    <Stack direction="column" gap={2}>
      <Text element="h3">Questions Pelorus answers</Text>
      {EXAMPLES.map(({ title, help, question }) => (
        <Stack key={title} direction="column" gap={0.5} alignItems="flex-start">
          <Button
            type="button"
            fill="text"
            onClick={() => onClickExample({ refId: 'A', pelorus: { version: 1, ...question } })}
          >
            {title}
          </Button>
          <Text color="secondary">{help}</Text>
          <Text variant="code">{displayText({ version: 1, ...question })}</Text>
        </Stack>
      ))}
      <Text element="h3">Filters</Text>
      <Text element="p">
        All filters must hold. A variable with several values turns = into =| (one of). Without a filter on tier or
        environment, questions are about production.
      </Text>
    </Stack>
  );
}
