import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage } from './stage';

interface Stored {
  pelorus: Record<string, unknown>;
}

export function queryScenarios(stage: () => Stage) {
  test('every kind of question can be chosen, and each answers without an error', async () => {
    const shown: Array<[RegExp, string, string | undefined]> = [
      [/^Scorecard/, 'scorecard', 'numeric-long'],
      [/^Breakdown/, 'breakdown', 'numeric-long'],
      [/^Distribution/, 'distribution', 'table'],
      [/^Events/, 'events', 'table'],
      [/^Annotations/, 'annotations', 'table'],
      [/^Values/, 'values', 'table'],
      [/^Quality/, 'quality', 'table'],
      [/^Metric/, 'metric', 'timeseries-multi'],
    ];
    await stage().play('query', {}, async (scene) => {
      assert.equal((await scene.offered('Show')).length, shown.length);
      for (const [option, kind, type] of shown) {
        const answer = await scene.after(() => scene.choose('Show', option));
        assert.deepEqual(answer.errors, [], kind);
        assert.equal((await scene.value<Stored>('query')).pelorus.kind, kind);
        assert.ok(answer.frames.length > 0 && answer.frames.every(({ rows }) => rows > 0), `${kind} has rows`);
        assert.deepEqual([...new Set(answer.frames.map((frame) => frame.type))], [type], kind);
        await scene.screenshot(`query-${kind}`);
      }
    });
  });

  test('metric, statistic and grouping come from the plugin, and the edited query runs', async () => {
    await stage().play('query', {}, async (scene) => {
      const metrics = await scene.offered('Metric');
      assert.ok(metrics.includes('Change lead time') && metrics.includes('Change fail rate'), metrics.join());
      assert.ok((await scene.offered('Statistic')).includes('p90'));
      await scene.after(() => scene.choose('Statistic', 'p90'));
      const grouped = await scene.after(() => scene.choose(/^Group by/, 'team'));
      assert.deepEqual(grouped.errors, []);
      const teams = grouped.frames.map(({ fields }) => fields[1]?.labels?.team);
      assert.equal(new Set(teams).size, 4, teams.join());
      assert.ok(
        grouped.frames.every(({ fields }) => fields[1]?.name === 'change_lead_time_p90' && fields[1].unit === 's')
      );
      await scene.screenshot('query-grouped');

      // Another metric has other statistics: the old one gives way.
      const rate = await scene.after(() => scene.choose('Metric', /^Change fail rate/));
      assert.deepEqual(rate.errors, []);
      assert.ok(!(await scene.offered('Statistic')).includes('p90'));
      const { pelorus } = await scene.value<Stored>('query');
      assert.equal(pelorus.metric, 'change_fail_rate');
      assert.equal(pelorus.statistic, 'value');
    });
  });

  test('a filter is chosen from values that the plugin knows, and narrows the answer', async () => {
    await stage().play('query', {}, async (scene) => {
      await scene.after(() => scene.choose(/^Group by/, 'application'));
      const everything = (await scene.answer()).frames.length;
      await scene.button('Add filter').click();
      await scene.choose('Filter 1 key', 'team');
      const teams = await scene.offered('Filter 1 value');
      assert.equal(teams.length, 4, teams.join());
      const narrowed = await scene.after(() => scene.choose('Filter 1 value', teams[0] ?? ''));
      assert.deepEqual(narrowed.errors, []);
      assert.ok(narrowed.frames.length > 0 && narrowed.frames.length < everything);
      await scene.screenshot('query-filter');

      await scene.choose('Filter 1 operator', /one of/);
      const two = await scene.after(() => scene.choose('Filter 1 value', teams[1] ?? ''));
      assert.ok(two.frames.length > narrowed.frames.length);
      assert.deepEqual((await scene.value<Stored>('query')).pelorus.filters, [
        { key: 'team', operator: '=|', values: [teams[0], teams[1]] },
      ]);
      const all = await scene.after(() => scene.button('Remove filter 1').click());
      assert.equal(all.frames.length, everything);
    });
  });

  test('options are set and hold: the previous period comes beside this one', async () => {
    await stage().play('query', {}, async (scene) => {
      await scene.button('Options').click();
      const compared = await scene.after(() =>
        scene.page.getByLabel('Compare with the previous period').click({ force: true })
      );
      assert.deepEqual(compared.errors, []);
      assert.equal(compared.frames.length, 2);
      const zoned = await scene.after(async () => {
        await scene.page.getByLabel('Time zone').fill('Europe/Berlin');
        await scene.page.getByLabel('Time zone').press('Enter');
      });
      assert.deepEqual(zoned.errors, []);
      await scene.button('Options (2 set)').waitFor();
      await scene.screenshot('query-options');
    });
  });

  test("what the plugin refuses is said in the plugin's words", async () => {
    await stage().play(
      'query',
      {},
      async (scene) => {
        await scene.button('Options').click();
        const refused = await scene.after(async () => {
          await scene.page.getByLabel('Time zone').fill('Middle/Earth');
          await scene.page.getByLabel('Time zone').press('Enter');
        });
        assert.match(refused.errors.join(), /Middle\/Earth/);
        await scene.screenshot('query-refused');
      },
      { refused: /\/api\/ds\/query/ }
    );
  });

  test("a dashboard's variable is offered as a value and replaced before the query is sent", async () => {
    await stage().play('query', { 'var-app': 'nothing-is-called-so' }, async (scene) => {
      await scene.button('Add filter').click();
      const answer = await scene.after(() => scene.choose('Filter 1 value', /^\$app/));
      assert.deepEqual((await scene.value<Stored>('query')).pelorus.filters, [
        { key: 'application', operator: '=', value: '$app' },
      ]);
      assert.deepEqual(answer.errors, []);
      assert.equal(
        answer.frames.flatMap(({ fields }) => fields[1]?.known ?? 0).reduce((sum, one) => sum + one, 0),
        0
      );
    });
  });

  test('Explore opens with an answer by application, and its examples all answer', async () => {
    await stage().play('explore', {}, async (scene) => {
      const first = await scene.after(() => scene.button('Run query').click());
      assert.deepEqual(first.errors, []);
      assert.equal(first.frames.length, 8);
      await scene.screenshot('explore');
      const examples = scene.button(/\?$/);
      const count = await examples.count();
      assert.equal(count, 7);
      for (let at = 0; at < count; at += 1) {
        await examples.nth(at).click();
        const answer = await scene.after(() => scene.button('Run query').click());
        assert.deepEqual(answer.errors, []);
        assert.ok(
          answer.frames.some(({ rows }) => rows > 0),
          `example ${at + 1} has rows`
        );
      }
    });
  });

  test('a variable lists applications, and those of one team where a filter says so', async () => {
    await stage().play('variable', {}, async (scene) => {
      await scene.button('Preview of values').click();
      const all = await scene.answer();
      assert.deepEqual(all.errors, []);
      assert.equal(all.options?.length, 8, JSON.stringify(all.options));
      assert.equal(await scene.page.getByRole('list', { name: 'Values' }).getByRole('listitem').count(), 8);
      await scene.button('Add filter').click();
      await scene.choose('Filter 1 key', 'team');
      await scene.choose('Filter 1 value', /./);
      await scene.button('Preview of values').click();
      await scene.page.waitForFunction(() => document.querySelectorAll('[aria-label=Values] li').length < 8);
      await scene.screenshot('variable');
      await scene.choose('Values of', 'team');
      await scene.button('Preview of values').click();
      await scene.page.waitForFunction(() => document.querySelectorAll('[aria-label=Values] li').length === 1);
    });
  });

  test('annotations mark deployments and incidents with time, title and text', async () => {
    await stage().play('annotation', {}, async (scene) => {
      await scene.button('Add filter').waitFor();
      await scene.screenshot('annotation');
      assert.equal(await scene.emptyRows(), 0, 'no row of the editor is empty');
      await scene.button('Test annotation query').click();
      const answer = await scene.answer();
      assert.deepEqual(answer.errors, []);
      const [frame] = answer.frames;
      const named = Object.fromEntries((frame?.fields ?? []).map((field) => [field.name, field]));
      assert.ok((frame?.rows ?? 0) > 0);
      assert.equal(named.time?.type, 'time');
      assert.equal(named.title?.type, 'string');
      assert.equal(named.title?.known, frame?.rows);
      assert.equal(named.text?.type, 'string');
    });
  });
}
