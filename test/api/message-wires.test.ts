import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startBedrockSimulator } from '../../simulators/bedrock/server.ts';
import { startSimulator } from '../../simulators/simulators.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';
import { drive } from '../pipeline/drive.ts';
import { startBedrockGuard } from '../policies/bedrock-guard.ts';
import { signAllByCaller } from '../policies/caller.ts';
import { permissionsOf } from '../policies/permissions.ts';
import { problemsOf } from '../providers/support/published-problems.ts';
import { publishedType } from '../providers/support/published-types.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

// The message batches of this API over models that Anthropic does not serve, member by member.

const nova = 'us.amazon.nova-lite-v1:0';
/** In Anthropic's own form at Bedrock, too. */
const claude = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const gemini = subjects.gemini.model;

let api: ApiHarness;
let client: Anthropic;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const dataDir = mkdtempSync(join(tmpdir(), 'batchdrop-wires-'));
  const timing = { validatingMs: 500, inProgressMs: 2_000, finalizingMs: 500 };
  const stopSigning = signAllByCaller();
  const bedrock = await startBedrockSimulator({ dataDir: join(dataDir, 'bedrock'), timing, minRecords: 10 });
  const guard = await startBedrockGuard(bedrock.url, permissionsOf('bedrock'));
  const google = await startSimulator.gemini({ dataDir: join(dataDir, 'gemini'), timing, apiKey: 'right-key' });
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
  const roleArn = 'arn:aws:iam::000000000000:role/bedrock';
  api = await startApi({
    providers: {
      bedrock: { kind: 'bedrock', baseUrl: guard.url, roleArn, limits: { minRequests: 10 }, ...quick },
      gemini: { ...subjects.gemini.config, kind: 'gemini', secret: 'gemini', baseUrl: google.url, ...quick },
    },
  });
  closing.push(
    api.close,
    guard.close,
    () => bedrock.close(),
    () => google.close(),
    stopSigning,
  );
  closing.push(() => rmSync(dataDir, { recursive: true, force: true }));
  client = new Anthropic({ apiKey: api.key, baseURL: api.url, maxRetries: 0 });
});

afterAll(async () => {
  for (const close of closing) await close();
  vi.useRealTimers();
});

function request(custom_id: string, model: string, content = `Say ${custom_id}`) {
  const tools = [{ name: 'note', description: 'Notes it.', input_schema: { type: 'object' as const, properties: {} } }];
  return { custom_id, params: { model, max_tokens: 50, messages: [{ role: 'user' as const, content }], tools } };
}

const messages = 'resources/messages/batches.d.ts';
const beta = 'resources/beta/messages/batches.d.ts';
/** What a message of the beta resource has beside the others belongs to betas that nobody asks for here. */
const result = publishedType('@anthropic-ai/sdk', messages, 'MessageBatchIndividualResponse');
const typesOf = (file: string, prefix: string) => ({
  batch: publishedType('@anthropic-ai/sdk', file, `${prefix}MessageBatch`),
  deleted: publishedType('@anthropic-ai/sdk', file, `${prefix}DeletedMessageBatch`),
});

/** Claude's own answers come as they are: recorded ones have no such member where nothing is cited. */
const leavesOut = /^\.result\.message\.content\[\d+\]\.citations is missing$/;
const isOfClaude = ({ custom_id }: { custom_id: string }) => custom_id.startsWith('c-');

describe.each([
  ['stable', () => client.messages.batches, typesOf(messages, '')],
  ['beta', () => client.beta.messages.batches, typesOf(beta, 'Beta')],
] as const)('the %s resource of the official client over Gemini and Bedrock', (_name, resource, types) => {
  it('gets batches and results of its own types, answers and failures in their places', async () => {
    const batches = resource() as typeof client.messages.batches;
    const requests = [
      ...Array.from({ length: 10 }, (_, place) => request(`b-${place}`, nova)),
      ...Array.from({ length: 10 }, (_, place) => request(`c-${place}`, claude)),
      ...Array.from({ length: 3 }, (_, place) => request(`g-${place}`, gemini)),
      request('g-refused', gemini, '[[refuse]]'),
      request('nobody', 'no-such-model'),
    ];
    const created = await batches.create({ requests });
    expect(problemsOf(types.batch, created)).toEqual([]);
    await drive(api.harness, created.id.replace('msgbatch_', 'batch_'));
    const ended = await batches.retrieve(created.id);
    expect(problemsOf(types.batch, ended)).toEqual([]);
    expect(ended.request_counts).toEqual({ processing: 0, succeeded: 23, errored: 2, canceled: 0, expired: 0 });
    const results = await Array.fromAsync(await batches.results(created.id));
    expect(results.map(({ custom_id }) => custom_id)).toEqual(requests.map(({ custom_id }) => custom_id));
    expect(results.map(({ result }) => result.type)).toEqual([...Array(23).fill('succeeded'), 'errored', 'errored']);
    for (const each of results) {
      const problems = problemsOf(result, each).filter((problem) => !(isOfClaude(each) && leavesOut.test(problem)));
      expect(problems, each.custom_id).toEqual([]);
    }
    expect(problemsOf(types.deleted, await batches.delete(created.id))).toEqual([]);
  });
});

it('lists and errors have the published members, too', async () => {
  const { id } = await client.messages.batches.create({ requests: [request('one', gemini)] });
  const headers = { 'x-api-key': api.key, 'anthropic-version': '2023-06-01' };
  const read = async (path: string) => {
    const answer = await fetch(`${api.url}${path}`, { headers });
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
    expect(answer.headers.get('anthropic-version')).toBe('2023-06-01');
    return (await answer.json()) as Record<string, unknown>;
  };
  const list = await read('/v1/messages/batches?limit=1');
  expect(Object.keys(list).toSorted()).toEqual(['data', 'first_id', 'has_more', 'last_id']);
  const refusal = publishedType('@anthropic-ai/sdk', 'resources/shared.d.ts', 'ErrorResponse');
  for (const path of [`/v1/messages/batches/${id}/results`, '/v1/messages/batches?limit=0', '/v1/messages/nothing'])
    expect(problemsOf(refusal, await read(path)), path).toEqual([]);
  const model = publishedType('@anthropic-ai/sdk', 'resources/models.d.ts', 'ModelInfo');
  const models = await read('/v1/models?limit=2');
  for (const each of models.data as object[]) expect(problemsOf(model, each)).toEqual([]);
  await drive(api.harness, id.replace('msgbatch_', 'batch_'));
});

it('what is of another type is found', () => {
  const type = typesOf(messages, '').batch;
  const wrong = { id: 5, type: 'message_batch', processing_status: 'done', extra: 1 };
  expect(problemsOf(type, wrong)).toEqual(
    expect.arrayContaining(['.extra is no member', '.id is 5 and not a text', '.created_at is missing']),
  );
  expect(problemsOf(type, wrong).join()).toContain('.processing_status is "done"');
});
