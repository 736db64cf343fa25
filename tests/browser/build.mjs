// Bundles the host page and the scenarios into build/browser. The page is made of the very packages, at the very
// versions, that the frontend is built against: those of frontend/node_modules.
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(here, '../../frontend/node_modules');
export const OUT = path.join(here, '../../build/browser');
export const PAGE = path.join(OUT, 'page');

export async function buildPage() {
  await rm(PAGE, { recursive: true, force: true });
  await mkdir(PAGE, { recursive: true });
  await build({
    entryPoints: [path.join(here, 'src/page/main.tsx')],
    bundle: true,
    format: 'esm',
    splitting: true,
    // Half as much to parse, scenario by scenario.
    minifyWhitespace: true,
    minifySyntax: true,
    outdir: PAGE,
    nodePaths: [packages],
    // React's development build: what it warns of lands in the console, and a message there fails a scenario.
    // Packages that look for an AMD loader must not find SystemJS's `define`, which is the plugin's.
    define: { 'process.env.NODE_ENV': '"development"', define: 'undefined', global: 'globalThis' },
    loader: { '.ttf': 'dataurl' },
    logLevel: 'warning',
  });
  const system = path.join(here, 'node_modules/systemjs/dist');
  await cp(path.join(system, 'system.js'), path.join(PAGE, 'system.js'));
  await cp(path.join(system, 'extras/amd.js'), path.join(PAGE, 'amd.js'));
  await cp(path.join(here, 'src/page/index.html'), path.join(PAGE, 'index.html'));
  await copyLooks();
}

/** Icons and fonts, where @grafana/ui asks Grafana's server for them. */
async function copyLooks() {
  const icons = path.join(PAGE, 'public/build/img/icons');
  await cp(path.join(packages, '@grafana/ui/dist/public/img/icons'), icons, { recursive: true });
  // The package lacks this one.
  await cp(path.join(icons, 'unicons/sync.svg'), path.join(icons, 'unicons/spinner.svg'));
  const fonts = path.join(here, 'node_modules/@fontsource');
  const wanted = {
    'inter/Inter-Regular.woff2': 'inter/files/inter-latin-400-normal.woff2',
    'inter/Inter-Italic.woff2': 'inter/files/inter-latin-400-italic.woff2',
    'inter/Inter-Medium.woff2': 'inter/files/inter-latin-500-normal.woff2',
    'inter/Inter-MediumItalic.woff2': 'inter/files/inter-latin-500-italic.woff2',
    'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2':
      'roboto-mono/files/roboto-mono-latin-400-normal.woff2',
  };
  for (const [asked, font] of Object.entries(wanted)) {
    await cp(path.join(fonts, font), path.join(PAGE, 'public/fonts', asked));
  }
}

export async function buildScenarios() {
  // Within node_modules, where playwright-core is found from.
  const bundle = path.join(here, 'node_modules/.cache/scenarios.mjs');
  await build({
    entryPoints: [path.join(here, 'src/scenarios/main.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // It finds files of its own beside it.
    external: ['playwright-core'],
    outfile: bundle,
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return bundle;
}
