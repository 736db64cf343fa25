/** The fields of the three lists of rules, described in the form in which Rust describes settings. */
import type { FieldDescription } from '../resources';

const globs = (key: string, title: string, placeholder: string, help?: string): FieldDescription => ({
  key,
  title,
  type: 'text_list',
  required: false,
  placeholder,
  help,
});

const text = (key: string, title: string, placeholder: string, help: string, required = false): FieldDescription => ({
  key,
  title,
  type: 'text',
  required,
  placeholder,
  help,
});

export const APPLICATION_FIELDS: FieldDescription[] = [
  text('name', 'Application', 'payments/shop', 'What panels call it; team/application gives it a team.'),
  globs('repositories', 'Repositories', 'github.com/acme/shop', 'Globs, one a line; * matches any characters.'),
  globs(
    'paths',
    'Paths',
    'services/shop/*',
    'Of a monorepo: a commit is a change of each application whose paths it touches.'
  ),
  globs('images', 'Images', 'registry.acme.example/shop*'),
  globs('clusters', 'Clusters', 'prod-*'),
  globs('namespaces', 'Namespaces', 'shop-*'),
  globs('workloads', 'Workloads', 'shop-api'),
  globs('projects', 'Tracker projects', 'OPS'),
  globs('components', 'Tracker components', 'Checkout'),
];

export const DEPLOYMENT_FIELDS: FieldDescription[] = [
  {
    key: 'from',
    title: 'Deployments are made of',
    type: 'choice',
    required: true,
    choices: [
      { value: 'tag', title: 'Git tags' },
      { value: 'release', title: 'Releases' },
      { value: 'pull_request_merge', title: 'Merges of pull requests' },
      { value: 'build', title: 'Successful builds' },
    ],
  },
  globs('repositories', 'Repositories', 'github.com/acme/library-*', 'Globs, one a line; empty: all repositories.'),
  text(
    'match',
    'Matching',
    '^v[23]\\.\\d+\\.\\d+$',
    'Regular expression over the tag, the base branch or the pipeline.'
  ),
  text('environment', 'Environment', 'production', 'Where these deployments go.', true),
];

export const ENVIRONMENT_FIELDS: FieldDescription[] = [
  text('match', 'Matching', '^(prod|live)', "Regular expression over the environment's name."),
  globs('clusters', 'Clusters', 'prod-*', 'Globs, one a line.'),
  globs('namespaces', 'Namespaces', '*-prod'),
  text('name', 'Environment', 'production', 'The name for deployments that say none.'),
  {
    key: 'tier',
    title: 'Tier',
    type: 'choice',
    required: false,
    help: "Numbers are about production unless a query says otherwise. Unset: guessed from the environment's name.",
    choices: ['production', 'staging', 'testing', 'development', 'none'].map((tier) => ({
      value: tier,
      title: tier.charAt(0).toUpperCase() + tier.slice(1),
    })),
  },
];
