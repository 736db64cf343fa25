import React, { useEffect, useState } from 'react';
import { CoreApp, renderMarkdown, type AnnotationQuery, type DataQuery, type DataSourceApi } from '@grafana/data';
import { Alert, PanelChrome, Text } from '@grafana/ui';
import { from, lastValueFrom } from 'rxjs';
import { idleOverrides, Panel, unknownOptions, type PanelModel } from './Panel';
import { answerOf, ask, requestFor, summaryOf, type Answer } from './questions';
import { rangeOf, variables } from './services';
import { Shown } from './Shown';

export interface Dashboard {
  title: string;
  time: { from: string; to: string };
  panels: Array<
    PanelModel & { id: number; targets?: DataQuery[]; gridPos: { x: number; y: number; w: number; h: number } }
  >;
  templating: { list: Array<{ name: string; type: string; query: unknown; allValue?: string }> };
  annotations: { list: AnnotationQuery[] };
}

interface Props {
  datasource: DataSourceApi;
  dashboard: Dashboard;
  /** What is chosen instead of all, by variable. */
  chosen: Record<string, string[]>;
}

const COLUMN = 60;
const ROW = 38;

/** A dashboard: its variables' values, its annotations, and every panel with what it answers. */
export function DashboardPage({ datasource, dashboard, chosen }: Props) {
  const [answers, setAnswers] = useState<Record<string, Answer>>();
  const range = rangeOf(dashboard.time);

  useEffect(() => {
    const load = async () => {
      const found: Record<string, Answer> = {};
      // In order, since the later variables' queries name the earlier ones.
      for (const { name, type, query, allValue } of dashboard.templating.list) {
        const value = type === 'datasource' ? datasource.uid : (chosen[name] ?? ['$__all']);
        if (type === 'query') {
          const request = requestFor([query as DataQuery], range, CoreApp.Dashboard);
          const support = datasource.variables as unknown as Pick<DataSourceApi, 'query'>;
          found[`variable ${name}`] = answerOf(await lastValueFrom(from(support.query(request))));
        }
        variables.push({ name, value, all: allValue });
      }
      for (const annotation of dashboard.annotations.list) {
        const prepared = datasource.annotations?.prepareQuery?.(annotation) as DataQuery;
        const query = { ...prepared, datasource: undefined };
        found[`annotation ${annotation.name}`] = await ask(datasource, [query], range, CoreApp.Dashboard);
      }
      await Promise.all(
        dashboard.panels.map(async ({ id, targets }) => {
          const queries = (targets ?? []).map((target) => ({ ...target, datasource: undefined }));
          if (queries.length > 0) {
            found[`panel ${id}`] = await ask(datasource, queries, range, CoreApp.Dashboard);
          }
        })
      );
      setAnswers(found);
    };
    void load();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  if (!answers) {
    return <Text>Asking</Text>;
  }
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  return (
    <div style={{ position: 'relative', width: 24 * COLUMN, height: bottom * ROW }}>
      {dashboard.panels.map((panel) => {
        const { x, y, w, h } = panel.gridPos;
        const answer = answers[`panel ${panel.id}`];
        const place = { position: 'absolute', left: x * COLUMN, top: y * ROW, padding: 4 } as const;
        return (
          <div key={panel.id} style={place} data-testid={`drawn ${panel.id}`}>
            {panel.type === 'row' && <Text element="h3">{panel.title ?? ''}</Text>}
            {panel.type === 'text' && (
              <div dangerouslySetInnerHTML={{ __html: renderMarkdown(String(panel.options?.content)) }} />
            )}
            {answer && (
              <Shown
                as={`faults ${panel.id}`}
                value={{ idle: idleOverrides(panel, answer.frames), unknown: unknownOptions(panel) }}
              />
            )}
            {answer && (
              <PanelChrome title={panel.title} width={w * COLUMN - 8} height={h * ROW - 8}>
                {(width, height) =>
                  answer.errors.length > 0 ? (
                    <Alert title={answer.errors.join('; ')} />
                  ) : (
                    <Panel panel={panel} frames={answer.frames} range={range} width={width} height={height} />
                  )
                }
              </PanelChrome>
            )}
          </div>
        );
      })}
      {Object.entries(answers).map(([what, answer]) => (
        <Shown key={what} as={what} value={summaryOf(answer)} />
      ))}
      <Shown as="dashboard" value={Object.keys(answers)} />
    </div>
  );
}
