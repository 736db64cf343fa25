import React, { useCallback } from 'react';
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { ConfigSection } from '@grafana/plugin-ui';
import { getDataSourceSrv } from '@grafana/runtime';
import { Alert, Button, LoadingPlaceholder, Stack, Text } from '@grafana/ui';
import type { PelorusDataSource } from '../datasource';
import type { ApplicationRule, DeploymentRule, EnvironmentRule, PelorusOptions, PelorusSecrets } from '../types';
import { useAnswer } from '../use_answer';
import { FieldInput } from './FieldInput';
import { APPLICATION_FIELDS, DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS } from './rule_fields';
import { RulesEditor } from './RulesEditor';
import { eraseSecret, settingOf, withSecret, withSetting } from './settings';
import { SourcesEditor } from './SourcesEditor';
import { SourceStatus } from './SourceStatus';

type Props = DataSourcePluginOptionsEditorProps<PelorusOptions, PelorusSecrets>;

const LISTS = ['sources', 'applications', 'deployments', 'environments'];

/** The data source's settings page. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const { uid, type, version, readOnly, jsonData } = options;
  const connect = useCallback(async () => {
    const datasource: unknown = await getDataSourceSrv().get({ uid, type });
    return datasource as PelorusDataSource;
    // A save makes a new version: what the backend says of its sources is asked anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [uid, type, version]);
  const { answer, failure, waiting, askAgain } = useAnswer(
    useCallback(async () => (await connect()).kinds(), [connect])
  );
  const set = (key: string, value: unknown) => onOptionsChange(withSetting(options, key, value));
  const settings = (answer?.settings ?? []).filter(({ key }) => !LISTS.includes(key));

  return (
    <Stack direction="column" gap={4}>
      <Text color="secondary">
        Pelorus reads the systems you list here and answers questions about delivery. Fields marked with * are required.
      </Text>
      {failure && (
        <Alert severity="warning" title="The plugin could not say which kinds of sources it knows">
          <p>
            {failure}. Save the data source and try again; if that does not help, Grafana&apos;s log tells whether the
            plugin runs. What is stored stays as it is, and rules can be edited meanwhile.
          </p>
          <Button type="button" size="sm" variant="secondary" onClick={askAgain}>
            Try again
          </Button>
        </Alert>
      )}
      <ConfigSection title="Sources" description="The Git hosts, build systems, clusters and trackers to read.">
        {waiting && !answer && !failure ? (
          <LoadingPlaceholder text="Asking the plugin for its kinds of sources" />
        ) : (
          <SourcesEditor
            settings={options}
            onChange={onOptionsChange}
            kinds={answer?.kinds ?? []}
            disabled={readOnly}
          />
        )}
      </ConfigSection>
      <ConfigSection
        title="Applications"
        description="Which repositories, images, namespaces and tracker projects belong to which application. The first rule that matches wins."
        isCollapsible
      >
        <RulesEditor<ApplicationRule>
          noun="application rule"
          rules={listOf(jsonData.applications)}
          fields={APPLICATION_FIELDS}
          labels
          titleOf={({ name }) => name ?? ''}
          onChange={(rules) => set('applications', rules)}
          disabled={readOnly}
        />
      </ConfigSection>
      <ConfigSection
        title="Deployments"
        description="Where no system reports deployments: what counts as one. A rule here outranks every source."
        isCollapsible
      >
        <RulesEditor<DeploymentRule>
          noun="deployment rule"
          rules={listOf(jsonData.deployments)}
          fields={DEPLOYMENT_FIELDS}
          titleOf={({ from, environment }) => [from?.replaceAll('_', ' '), environment].filter(Boolean).join(' → ')}
          onChange={(rules) => set('deployments', rules)}
          disabled={readOnly}
        />
      </ConfigSection>
      <ConfigSection
        title="Environments"
        description="Which environments are production. Without a rule the name decides."
        isCollapsible
      >
        <RulesEditor<EnvironmentRule>
          noun="environment rule"
          rules={listOf(jsonData.environments)}
          fields={ENVIRONMENT_FIELDS}
          titleOf={({ match, name, tier }) => [match ?? name, tier].filter(Boolean).join(' → ')}
          onChange={(rules) => set('environments', rules)}
          disabled={readOnly}
        />
      </ConfigSection>
      {settings.length > 0 && (
        <ConfigSection title="General" description="All optional." isCollapsible isInitiallyOpen={false}>
          {settings.map((field) => (
            <FieldInput
              key={field.key}
              id={`pelorus-setting-${field.key}`}
              field={field}
              value={settingOf(options, field.key)}
              disabled={readOnly}
              secret={
                field.type === 'secret'
                  ? {
                      stored: Boolean(options.secureJsonFields?.[field.key]),
                      typed: options.secureJsonData?.[field.key] ?? '',
                      askAgain: false,
                      onType: (value) => onOptionsChange(withSecret(options, field.key, value)),
                      onReset: () => onOptionsChange(eraseSecret(options, field.key)),
                    }
                  : undefined
              }
              onChange={(value) => set(field.key, value)}
            />
          ))}
        </ConfigSection>
      )}
      <ConfigSection title="State" description="Of the sources as last saved." isCollapsible isInitiallyOpen={false}>
        <SourceStatus connect={connect} />
      </ConfigSection>
    </Stack>
  );
}

/** Provisioning may hold anything; what is no list is left to Rust to complain about. */
function listOf<T>(value: T[] | undefined): T[] {
  return Array.isArray(value) ? value : [];
}
