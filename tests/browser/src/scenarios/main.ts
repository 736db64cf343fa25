/** Every scenario, on one stage: one plugin process, one browser, a page of its own for each. */
import { after, before } from 'node:test';
import { configScenarios } from './config';
import { dashboardScenarios } from './dashboards';
import { queryScenarios } from './query';
import { Stage } from './stage';

let stage: Stage | undefined;
before(async () => {
  stage = await Stage.set();
});
after(() => stage?.strike());

configScenarios(set);
queryScenarios(set);
dashboardScenarios(set);

function set(): Stage {
  if (!stage) {
    throw new Error('there is no stage');
  }
  return stage;
}
