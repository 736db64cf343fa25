/** Every scenario, on one stage: one plugin process, one browser, a page of its own for each. */
import { after, before, describe } from 'node:test';
import { configScenarios } from './config';
import { dashboardScenarios } from './dashboards';
import { queryScenarios } from './query';
import { Stage } from './stage';

describe('the built plugin in Chromium', () => {
  let stage: Stage | undefined;
  const set = (): Stage => {
    if (!stage) {
      throw new Error('there is no stage');
    }
    return stage;
  };
  before(async () => {
    stage = await Stage.set();
  });
  after(() => stage?.strike());

  configScenarios(set);
  queryScenarios(set);
  dashboardScenarios(set);
});
