import assert from 'node:assert/strict';
import { test } from 'node:test';
import path from 'node:path';
import type { Stage } from './stage';

export function configScenarios(stage: () => Stage) {
  test('a person adds a source, fills its fields, and Save & test says that it works', async () => {
    await stage().save('new', {});
    const events = path.join(stage().folder, 'events.jsonl');
    await stage().play('config', { uid: 'new' }, async (scene) => {
      await scene.page.getByText('No sources yet').waitFor();
      await scene.choose('Kind of the source to add', /^Events file/);
      await scene.button('Add source').click();
      await scene.page.getByText('Events file: required settings are missing').waitFor();
      await scene.page.getByLabel(/^Path/).fill(events);
      await scene.page.getByLabel(/^Name/).fill('deliveries');
      await scene.page.getByLabel(/^Name/).press('Enter');
      await scene.screenshot('config-new-source');
      await scene.button('Save & test').click();
      await scene.page
        .getByText(/^deliveries \(events\): Sees 1 file/)
        .first()
        .waitFor();
      await scene.screenshot('config-works');
      assert.deepEqual((await stage().saved('new')).jsonData, {
        sources: [{ name: 'deliveries', kind: 'events', path: [events] }],
      });

      await scene.open();
      await scene.button('Unfold source deliveries').click();
      assert.equal(await scene.page.getByLabel(/^Path/).inputValue(), events);
    });
  });

  test('a file that may not be read is named by Save & test', async () => {
    await stage().save('refused', { sources: [{ name: 'shadow', kind: 'events', path: '/etc/shadow' }] });
    await stage().play(
      'config',
      { uid: 'refused' },
      async (scene) => {
        await scene.button('Save & test').click();
        await scene.page
          .getByRole('alert')
          .getByText(/sources\[0\]\.path. lies outside the folders/)
          .first()
          .waitFor();
        await scene.screenshot('config-refused');
      },
      { refused: /\/health$|\/resources\/sources$/ }
    );
  });

  test('what cannot be meant is marked beside its field while it is typed', async () => {
    await stage().save('faults', { sources: [{ name: 'code', kind: 'git', path: stage().folder }] });
    await stage().play('config', { uid: 'faults' }, async (scene) => {
      await scene.button('Unfold source code').click();
      await scene.page.getByLabel(/^Name/).fill('My Code');
      await scene.page.getByLabel(/^Name/).press('Enter');
      await scene.page.getByText(/^Lower-case letters, digits and hyphens/).waitFor();
      await scene.button('Expand section General').click();
      const duration = scene.page.locator('input[placeholder$="d"]').first();
      await duration.fill('a week');
      await scene.page.getByText(/^A number with a unit/).waitFor();
      await scene.screenshot('config-faults');
      const settings = await scene.value<{ jsonData: { sources: Array<{ name: string }> } }>('settings');
      assert.equal(settings.jsonData.sources[0]?.name, 'code');
    });
  });

  test('a secret is saved, is never seen again, and is gone after a reset', async () => {
    await stage().save('secret', {});
    const canary = 'canary-7f3a';
    const seen: string[] = [];
    await stage().play(
      'config',
      { uid: 'secret' },
      async (scene) => {
        scene.page.on('response', async (response) => {
          seen.push(await response.text().catch(() => ''));
        });
        await scene.open();
        await scene.choose('Kind of the source to add', /^Gitea/);
        await scene.button('Add source').click();
        await scene.page.getByLabel(/^URL/).fill('https://git.invalid');
        await scene.page.getByLabel(/^Token/).fill(canary);
        await scene.button('Save & test').click();
        await scene.page.getByRole('alert').first().waitFor();
        assert.equal(await scene.page.getByLabel(/^Token/).inputValue(), 'configured');
        await scene.screenshot('config-secret');
        assert.deepEqual((await stage().saved('secret')).secureJsonFields, { gitea__token: true });

        await scene.open();
        await scene.button('Unfold source gitea').click();
        assert.equal(await scene.page.getByLabel(/^Token/).inputValue(), 'configured');
        assert.ok(await scene.page.getByLabel(/^Token/).isDisabled());
        const settings = JSON.stringify(await scene.value('settings'));
        assert.ok(!settings.includes(canary) && !(await scene.page.content()).includes(canary));
        assert.ok(seen.length > 10 && seen.every((text) => !text.includes(canary)), 'no answer holds the secret');

        await scene.button('Reset').click();
        assert.equal(await scene.page.getByLabel(/^Token/).inputValue(), '');
        await scene.button('Save & test').click();
        await scene.page.getByRole('alert').first().waitFor();
        assert.deepEqual((await stage().saved('secret')).secureJsonFields, {});
      },
      { refused: /\/health$|\/resources\/sources$/ }
    );
  });

  test('an application rule is written, saved, and holds in answers', async () => {
    await stage().save('ruled', {
      sources: [{ name: 'demo', kind: 'events', path: path.join(stage().folder, 'events.jsonl') }],
    });
    await stage().play('config', { uid: 'ruled' }, async (scene) => {
      await scene.button('Add application rule').click();
      await scene.page.getByLabel(/^Application/).fill('web/everything');
      await scene.page.getByLabel(/^Repositories/).fill('*');
      await scene.screenshot('config-rule');
      await scene.button('Save & test').click();
      await scene.page
        .getByText(/^demo \(events\): Sees 1 file/)
        .first()
        .waitFor();
      const { jsonData } = await stage().saved('ruled');
      assert.deepEqual(jsonData.applications, [{ name: 'web/everything', repositories: ['*'] }]);
    });
  });

  test('the state of the sources is told, and a source can be checked and read again', async () => {
    await stage().play('config', {}, async (scene) => {
      await scene.button('Expand section State').click();
      await scene.page.getByText(/^\d+ events · covered \d{4}-\d\d-\d\d to \d{4}-/).waitFor();
      await scene.button('Check demo').click();
      await scene.page.getByText('works', { exact: true }).waitFor();
      await scene.button('Read demo now').click();
      await scene.page.getByText('Reading started: demo').waitFor();
      await scene.screenshot('config-state');
    });
  });
}
