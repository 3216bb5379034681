import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { secretOf } from '../../lib/providers/account.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { Router } from '../../lib/providers/routing.ts';

const file = 'examples/several-accounts.config.json';
const config = parseConfig(readFileSync(file, 'utf8'), file);

it('the example of several accounts is a configuration, with and without secrets', () => {
  expect(new Set(Object.values(config.providers).map(({ kind }) => kind)).size).toBe(7);
  expect(Object.entries(config.providers).flatMap(([name, entry]) => (secretOf(entry) === null ? name : []))).toEqual([
    'gpu-room',
  ]);
});

it.each([
  ['gpt-5-mini', 'openai'],
  ['ft:gpt-4o:us', 'research-openai'],
  ['my-gpt-4o-batch', 'azure'],
  ['azure-entra/my-deployment', 'azure-entra'],
  ['qwen/qwen3-32b', 'groq'],
  ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'together'],
  ['grok-4', 'xai'],
  ['our-model', 'gpu-room'],
])('sends %s to %s', (model, provider) => {
  expect(new Router(config, undefined).route(model).route).toMatchObject({ provider });
});
