import type { DescribedModels, RuleSource } from '../contract.ts';

/** https://github.com/pydantic/pydantic-ai/issues/5285 names them. */
const reasoning: RuleSource = { source: 'https://github.com/pydantic/pydantic-ai/issues/5285', read: '2026-11' };

/** What is known of single models of Mistral's. Nothing of it refuses a request: which other efforts they take nobody says. */
export const mistralModels: readonly DescribedModels[] = [
  { models: ['magistral-*'], says: [{ says: 'always thinks', source: reasoning }] },
  {
    models: ['mistral-medium-3-5', 'mistral-small-latest', 'mistral-small-2603'],
    says: [{ says: 'thinks where `reasoning_effort` is high, and not where it is none', source: reasoning }],
  },
];
