import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Place, Stage, Summary } from './stage';

interface Board {
  panels: Array<{
    id: number;
    type: string;
    title: string;
    targets?: unknown[];
    options?: { xField?: string; reduceOptions?: { fields: string } };
  }>;
  annotations: { list: Array<{ name: string }> };
}

/** What a panel of a type cannot do without, held against a frame. */
const NEEDS: Record<string, (frame: Summary['frames'][number]) => boolean> = {
  stat: ({ fields }) => fields.some(({ type, known }) => type === 'number' && known > 0),
  table: ({ fields }) => fields.length > 1,
  timeseries: ({ fields }) => fields[0]?.type === 'time' && fields.slice(1).some(({ type }) => type === 'number'),
  barchart: ({ fields }) => fields[0]?.type === 'string' && fields.slice(1).some(({ type }) => type === 'number'),
};

export function dashboardScenarios(stage: () => Stage) {
  for (const name of ['delivery-overview', 'explain']) {
    test(`every panel of ${name} is answered with what its type needs, and is drawn`, async () => {
      const board = boardOf(name);
      await stage().play('dashboard', { name }, async (scene) => {
        await scene.page.getByTestId('dashboard').waitFor({ state: 'attached' });
        for (const { id, type, title, targets, options } of board.panels) {
          if (!targets?.length) {
            assert.ok(['row', 'text'].includes(type), `${title} asks nothing`);
            continue;
          }
          const { errors, frames } = await scene.value<Summary>(`panel ${id}`);
          assert.deepEqual(errors, [], title);
          const faults = await scene.value<object>(`faults ${id}`);
          assert.deepEqual(faults, { idle: [], unknown: [] }, `${title} sets what its answer has`);
          assert.ok(frames.length > 0 && frames.every(({ rows }) => rows > 0), `${title} has rows`);
          const fits = NEEDS[type];
          assert.ok(fits, `nobody knows what a panel of type ${type} needs`);
          assert.ok(frames.every(fits), `${title} is a ${type}: ${JSON.stringify(frames[0]?.fields)}`);
          const drawn = scene.page.getByTestId(`drawn ${id}`);
          assert.ok(await drawn.getByText(title, { exact: true }).first().isVisible(), title);
          const inside =
            type === 'table' || type === 'barchart' ? drawn.getByRole('gridcell') : drawn.locator('canvas');
          if (type !== 'stat') {
            assert.ok((await inside.count()) > 0, `${title} is drawn`);
          }
          if (options?.xField) {
            assert.ok(
              frames[0]?.fields.some((field) => field.name === options.xField),
              `${title} has its axis`
            );
          }
        }
        for (const annotation of board.annotations.list) {
          const { errors, frames } = await scene.value<Summary>(`annotation ${annotation.name}`);
          assert.deepEqual(errors, []);
          assert.ok((frames[0]?.rows ?? 0) > 0, annotation.name);
        }
        await scene.screenshot(`dashboard-${name}`);
      });
    });
  }

  test('the five keys stand on the overview with value, band, previous value and n', async () => {
    await stage().play('dashboard', { name: 'delivery-overview' }, async (scene) => {
      await scene.page.getByTestId('dashboard').waitFor({ state: 'attached' });
      for (const { id, title } of boardOf('delivery-overview').panels.filter(({ type }) => type === 'stat')) {
        const drawn = scene.page.getByTestId(`drawn ${id}`);
        for (const name of ['now', 'band', 'before', 'n']) {
          assert.ok(await drawn.getByText(name, { exact: true }).first().isVisible(), `${title} shows ${name}`);
        }
      }
    });
  });

  test('the table of keys shows bands in colour and leaves the previous period out', async () => {
    await stage().play('dashboard', { name: 'delivery-overview' }, async (scene) => {
      await scene.page.getByTestId('dashboard').waitFor({ state: 'attached' });
      const table = scene.page.getByTestId('drawn 8');
      const headers = await table.getByRole('columnheader').allInnerTexts();
      assert.ok(
        headers.some((header) => /Lead time band/.test(header)),
        headers.join()
      );
      assert.ok(!headers.some((header) => /previous/.test(header)), headers.join());
      const band = table.getByRole('gridcell', { name: /^(Low|Medium|High|Elite)/ }).first();
      const colour = await band.evaluate((cell) => getComputedStyle(cell).backgroundColor);
      assert.match(colour, /^rgb\((?!0, 0, 0)/);
    });
  });

  test('a chosen team narrows applications and panels, several chosen applications leave those', async () => {
    let team = '';
    let applications: string[] = [];
    await stage().play('dashboard', { name: 'delivery-overview' }, async (scene) => {
      await scene.page.getByTestId('dashboard').waitFor({ state: 'attached' });
      const names = async (variable: string) =>
        (await scene.value<Summary>(`variable ${variable}`)).frames[0]?.fields[0]?.values as string[];
      [team = ''] = await names('team');
      applications = await names('application');
      assert.equal(applications.length, 8);
    });
    const ofTeam = applications.filter((application) => application.startsWith(`${team}/`));
    assert.ok(ofTeam.length > 0 && ofTeam.length < 8);
    assert.deepEqual(await shownApplications({ 'var-team': team }), ofTeam);
    const two = [applications[1] ?? '', applications[6] ?? ''];
    assert.deepEqual(await shownApplications({ 'var-application': two }), two);
  });

  async function shownApplications(chosen: Record<string, string | string[]>): Promise<unknown[]> {
    let shown: unknown[] = [];
    await stage().play('dashboard', { name: 'delivery-overview', ...chosen }, async (scene) => {
      await scene.page.getByTestId('dashboard').waitFor({ state: 'attached' });
      const { errors, frames } = await scene.value<Summary>('panel 8');
      assert.deepEqual(errors, []);
      shown = frames[0]?.fields.find(({ name }) => name === 'application')?.values ?? [];
    });
    return shown;
  }
}

function boardOf(name: string): Board {
  const { dist } = JSON.parse(process.env.PELORUS_PLACE ?? '{}') as Place;
  return JSON.parse(readFileSync(path.join(dist, 'dashboards', `${name}.json`), 'utf8')) as Board;
}
