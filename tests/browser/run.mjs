// Plays every scenario in a headless Chromium. Needs the plugin's binary, dist/module.js and frontend/node_modules.
// usage: node run.mjs [PATTERN]   only the scenarios whose names match
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage, buildScenarios, OUT, PAGE } from './build.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const place = {
  binary: process.env.PELORUS_BINARY ?? path.join(root, 'target/debug/pelorus'),
  bridge: path.join(OUT, 'bridge'),
  chromium: process.env.CHROMIUM ?? '/usr/bin/chromium',
  dist: path.join(root, 'dist'),
  out: OUT,
  page: PAGE,
};
for (const needed of [place.binary, place.chromium, path.join(place.dist, 'module.js')]) {
  if (!existsSync(needed)) {
    console.error(`${needed} is missing: make frontend, cargo build and tests/setup.sh bring what is needed`);
    process.exit(1);
  }
}
const [bundle] = await Promise.all([buildScenarios(), buildPage()]);
execFileSync('go', ['build', '-o', place.bridge, './bridge'], { cwd: path.join(root, 'tests/host'), stdio: 'inherit' });
const [pattern] = process.argv.slice(2);
const only = pattern ? [`--test-name-pattern=${pattern}`] : [];
const scenarios = spawn(process.execPath, ['--enable-source-maps', '--test-reporter=spec', ...only, bundle], {
  stdio: 'inherit',
  env: { ...process.env, PELORUS_PLACE: JSON.stringify(place) },
});
// Whoever stops this stops the browser and the plugin too.
process.on('SIGTERM', () => scenarios.kill());
scenarios.on('exit', (code) => process.exit(code ?? 1));
