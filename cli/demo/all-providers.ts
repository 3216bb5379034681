import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ProviderKind, providerKinds } from '../../lib/providers/config.ts';
import { resultKey } from '../../lib/records/object-keys.ts';
import type { Objects } from '../../lib/store/objects.ts';
import { startLocalStack } from '../../local/runtime.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { type OutputOptions, printAnswer } from '../output/result.ts';
import { bucketOf } from './bucket.ts';
import { demoAccount } from './demo-account.ts';
import { endProblems } from './demo-report.ts';
import { dropFile, followDrops } from './drop.ts';
import { createDisplay, noDisplay } from './drop-display.ts';
import { describeProviders, type ProviderOutcome, providerOutcomes } from './provider-outcomes.ts';
import { fetchResults, type Results } from './results.ts';

interface AllProvidersOptions extends OutputOptions {
  keep?: boolean;
  dataDir?: string;
}

/**
 * Runs one file of lines in several forms across every kind of provider there is.
 *
 * @returns 0 where no line is missing and each was answered.
 */
export async function demoAllProviders(options: AllProvidersOptions): Promise<ExitStatus> {
  const folder = resolve(options.dataDir ?? (await mkdtemp(join(tmpdir(), 'batchdrop-demo-'))));
  const { outcomes, problems } = await runAcrossProviders(folder, options);
  const passed = problems.length === 0 && outcomes.every(({ missing, failed }) => missing === 0 && failed === 0);
  printAnswer(
    {
      terminal: () => ['', describeProviders(outcomes), ...problems].join('\n'),
      json: { passed, problems, providers: outcomes },
    },
    options,
  );
  if (!options.keep && !options.dataDir) await rm(folder, { recursive: true, force: true });
  return passed ? exitStatus.succeeded : exitStatus.someFailed;
}

interface DemoEnd {
  outcomes: ProviderOutcome[];
  /** Sentences about the batch as a whole. */
  problems: string[];
}

async function runAcrossProviders(folder: string, options: AllProvidersOptions): Promise<DemoEnd> {
  const configFile = await writeConfig(folder);
  const stack = await startLocalStack({ dataDir: join(folder, 'stack'), configFile, simulateAll: true });
  try {
    const bucket = bucketOf(stack);
    const drop = await dropFile(bucket, 'all-providers.jsonl', linesForAll());
    await followDrops(bucket, [drop], options.json ? noDisplay : createDisplay(process.stdout));
    const results = await fetchResults(bucket, drop, join(folder, 'results'));
    return { outcomes: providerOutcomes(results, await warningsOf(bucket, results)), problems: endProblems(drop) };
  } finally {
    await stack.close();
  }
}

/** Every provider goes by the name of its kind. */
async function writeConfig(folder: string): Promise<string> {
  const providers = providerKinds.map((kind) => [kind, demoAccount(kind).entry]);
  const file = join(folder, 'batchdrop.config.json');
  await mkdir(folder, { recursive: true });
  await writeFile(file, JSON.stringify({ providers: Object.fromEntries(providers) }));
  return file;
}

function linesForAll(): string {
  const lines = providerKinds.flatMap((kind) =>
    Array.from({ length: demoAccount(kind).turns }, (_, turn) => linesFor(kind, turn)).flat(),
  );
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Chat completions, one with a parameter that not everybody has, and Anthropic's own form. */
function linesFor(kind: ProviderKind, turn: number): object[] {
  const chat = { method: 'POST', url: '/v1/chat/completions' };
  const messages = [{ role: 'user', content: 'Say hello.' }];
  const model = `${kind}/${demoAccount(kind).model}`;
  return [
    { custom_id: `${kind}:chat-${turn}`, ...chat, body: { model, messages } },
    { custom_id: `${kind}:native-${turn}`, params: { model, max_tokens: 100, messages } },
    { custom_id: `${kind}:seed-${turn}`, ...chat, body: { model, messages, seed: 7 } },
  ];
}

async function warningsOf(bucket: Objects, { drop }: Results): Promise<string[]> {
  const batchId = drop.status?.batch_id;
  const found = batchId ? await bucket.readText(resultKey(batchId, 'warnings.jsonl')) : null;
  return (found?.text ?? '').split('\n').filter((line) => line !== '');
}
