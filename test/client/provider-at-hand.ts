import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BatchRequest } from '../../lib/client/index.ts';
import { type BatchProviderKind, batchProviderKinds } from '../../lib/providers/config.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulators/simulators.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';

/** Those of a deployment alone are left out, and those of OpenAI's family that differ from it by less than the others. */
export const libraryKinds = batchProviderKinds.filter(
  (kind) => !['bedrock', 'azure', 'together', 'openai-compatible'].includes(kind),
);

/** All but OpenRouter: it cannot cancel (test/client/no-cancel.test.ts), and a look at its batch reads the results, and again where that fails. */
export const cancellingKinds = libraryKinds.filter((kind) => !subjects[kind].hasNoCancel);
export const downloadingKinds = libraryKinds.filter((kind) => kind !== 'openrouter');

/** The model of each that its simulator has. */
export const models = Object.fromEntries(Object.entries(subjects).map(([kind, { model }]) => [kind, model])) as Record<
  BatchProviderKind,
  string
>;

export const instant = { validatingMs: 0, inProgressMs: 0, finalizingMs: 0 };
export const endless = { validatingMs: 0, inProgressMs: 600_000, finalizingMs: 0 };

/** What the library's functions need to reach it. */
export interface At {
  provider: BatchProviderKind;
  apiKey: string;
  apiBase: string;
  account?: object;
}

/** A provider's simulator over HTTP; its batches are done at once unless the options say otherwise. */
export async function startProvider(
  provider: BatchProviderKind,
  options: Partial<SimulatorOptions> = {},
): Promise<{ simulator: Simulator; at: At }> {
  const apiKey = 'sk-library-0123456789';
  const dataDir = temporaryFolder();
  const simulator = await startSimulator[provider]({ apiKey, timing: instant, ...options, dataDir });
  onTestFinished(() => simulator.close());
  const { config: account } = subjects[provider];
  return { simulator, at: { provider, apiKey, apiBase: simulator.url, ...(account && { account }) } };
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'library-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function chatRequest(
  provider: BatchProviderKind,
  customId: string,
  text: string,
  more: object = {},
): BatchRequest {
  const messages = [{ role: 'user', content: text }];
  return { custom_id: customId, body: { model: models[provider], messages, max_tokens: 50, ...more } };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a promise was rejected with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
