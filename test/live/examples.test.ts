import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startProvider } from '../client/provider-at-hand.ts';
import { temporaryFolder } from './live-harness.ts';

const root = join(import.meta.dirname, '../..');

async function run(name: string, folder: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const example = join(root, 'examples', name);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=batchdrop-source', example], {
    cwd: folder,
    env,
  });
  expect(stderr, name).toBe('');
  return stdout.trim().split('\n');
}

it('the examples of live calls get their answers, each from one batch', async () => {
  const openai = await startProvider('openai');
  const anthropic = await startProvider('anthropic');
  const folder = temporaryFolder();
  const env = {
    ...process.env,
    OPENAI_API_KEY: openai.at.apiKey,
    OPENAI_BASE_URL: openai.at.apiBase,
    ANTHROPIC_API_KEY: anthropic.at.apiKey,
    ANTHROPIC_BASE_URL: anthropic.at.apiBase,
  };
  const [labels, rivers, cities, words, tickets] = await Promise.all([
    run('gather-live-calls.ts', folder, env),
    run('gather-claude-calls.ts', folder, env),
    run('gather-fetch-calls.ts', folder, env),
    run('gather-ai-sdk-calls.ts', folder, env),
    run('gather-langchain-calls.ts', folder, env),
  ]);

  expect(labels.map((line) => line[0])).toEqual(['0', '1', '2']);
  expect(labels.join()).not.toContain('failed');
  expect(words.map((line) => line.split(' ')[0])).toEqual(['river', 'bridge', 'harbour']);
  expect(tickets.map((line) => line.split('. ')[0]?.slice(0, 10))).toEqual(['My invoice', 'The app do', 'How do I c']);
  expect([...words, ...tickets].join()).not.toMatch(/failed|undefined/);
  expect(await openai.simulator.creations()).toHaveLength(4);
  expect(rivers).toHaveLength(3);
  expect(cities.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['Rome 200', 'Lima 200', 'Hanoi 200']);
});

it('the examples of live calls are all run, and stand in the docs as they are', () => {
  const names = globSync('*.ts', { cwd: join(root, 'examples') });
  const texts = new Map(names.map((name) => [name, readFileSync(join(root, 'examples', name), 'utf8')]));
  const live = names.filter((name) => texts.get(name)?.includes("from 'batchdrop/live'"));
  const own = readFileSync(import.meta.filename, 'utf8');
  const docs = readFileSync(join(root, 'docs/live-calls.md'), 'utf8');
  const blocks = [...docs.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block);

  expect(live.length).toBeGreaterThan(2);
  expect(live.filter((name) => !own.includes(`run('${name}'`))).toEqual([]);
  expect(blocks.length).toBeGreaterThan(0);
  expect(blocks.filter((block) => ![...texts.values()].includes(block ?? ''))).toEqual([]);
});
