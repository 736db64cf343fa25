// Builds dist/module.js and lays the plugin's other files beside it. The Rust binaries (gpx_*) come from cargo.
const fs = require('fs');
const path = require('path');
const CopyPlugin = require('copy-webpack-plugin');

const repository = path.resolve(__dirname, '..');
const plugin = JSON.parse(fs.readFileSync(path.join(repository, 'plugin.json'), 'utf8'));

/** The version of the crate is the version of the plugin: one place to raise it. */
function crateVersion() {
  const manifest = fs.readFileSync(path.join(repository, 'Cargo.toml'), 'utf8');
  const version = /^\[package\][^[]*?^version\s*=\s*"([^"]+)"/ms.exec(manifest);
  if (!version) {
    throw new Error('no version in the [package] section of Cargo.toml');
  }
  return version[1];
}

/** The day of the build; SOURCE_DATE_EPOCH makes two builds of one commit equal. */
function buildDay() {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const day = epoch ? new Date(Number(epoch) * 1000) : new Date();
  return day.toISOString().slice(0, 10);
}

const fillIn = (content) =>
  content
    .toString()
    .replace(/%VERSION%/g, crateVersion())
    .replace(/%TODAY%/g, buildDay());

const copy = (name, more = {}) => ({
  from: path.join(repository, name),
  to: name,
  // A half-finished checkout still builds; the release check looks for every file.
  noErrorOnMissing: true,
  ...more,
});

module.exports = (_env, argv) => ({
  mode: argv.mode ?? 'production',
  context: path.join(__dirname, 'src'),
  entry: { module: './module.ts' },
  devtool: 'source-map',
  // What Grafana shares with plugins at run time. React above all: a second copy would break hooks.
  externals: [
    { 'amd-module': 'module' },
    'lodash',
    'jquery',
    'moment',
    'slate',
    'emotion',
    '@emotion/react',
    '@emotion/css',
    'prismjs',
    'react',
    'react-dom',
    'react-redux',
    'redux',
    'rxjs',
    'rxjs/operators',
    'i18next',
    'react-router',
    'd3',
    'angular',
    /^@grafana\/ui/i,
    /^@grafana\/runtime/i,
    /^@grafana\/data/i,
  ],
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        use: {
          loader: 'swc-loader',
          options: {
            jsc: {
              target: 'es2020',
              parser: { syntax: 'typescript', tsx: true },
              // Classic: older Grafanas do not share react/jsx-runtime, and a bundled one breaks on React 19.
              transform: { react: { runtime: 'classic' } },
            },
          },
        },
      },
    ],
  },
  output: {
    clean: { keep: /gpx_/ },
    filename: '[name].js',
    path: path.join(repository, 'dist'),
    library: { type: 'amd' },
    publicPath: `public/plugins/${plugin.id}/`,
    uniqueName: plugin.id,
  },
  plugins: [
    new CopyPlugin({
      patterns: [
        copy('plugin.json', { transform: fillIn, noErrorOnMissing: false }),
        copy('README.md'),
        copy('CHANGELOG.md'),
        copy('LICENSE', { toType: 'file' }),
        copy('img'),
        copy('dashboards'),
      ],
    }),
  ],
  resolve: { extensions: ['.ts', '.tsx', '.js', '.jsx', '.mjs'] },
  performance: { hints: false },
});
