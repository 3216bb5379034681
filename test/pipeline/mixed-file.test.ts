import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, nativeLine } from './requests.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

const nativeForm = { result: { type: 'succeeded', message: { type: 'message', role: 'assistant' } } };
const openAIForm = { response: { status_code: 200, body: { object: 'chat.completion' } }, error: null };

function withMembers(line: string, members: object): string {
  const { params, body, ...rest } = JSON.parse(line);
  return JSON.stringify(
    params ? { ...rest, params: { ...params, ...members } } : { ...rest, body: { ...body, ...members } },
  );
}

async function run(name: string, lines: readonly string[], metadata: Record<string, string> = {}): Promise<string> {
  const batchId = await harness.drop(name, fileOf(lines), metadata);
  if (batchId === null) throw new Error('refused');
  await drive(harness, batchId);
  return batchId;
}

it('a file of several providers, models and forms comes back as one, each line in its own form', async () => {
  const lines = Array.from({ length: 5 }, (_, turn) => [
    nativeLine(`native claude ${turn}`),
    chatLine(`chat mini ${turn}`),
    withMembers(nativeLine(`native gpt ${turn}`), { model: 'gpt-5-mini', top_k: 5 }),
    chatLine(`chat o3 ${turn}`, 'hello', 'o3'),
    withMembers(claudeLine(`chat claude ${turn}`), { seed: turn }),
  ]).flat();
  lines.splice(
    7,
    0,
    chatLine('nobody has it', 'hello', 'unheard-of'),
    withMembers(nativeLine('nor this'), { model: 'unheard-of' }),
    withMembers(nativeLine('refused', '[[refuse]]'), { model: 'gpt-5-mini' }),
  );

  const batchId = await run('mixed forms.jsonl', lines, { 'on-unknown-model': 'error_line' });

  await expectExactlyOnce(harness, batchId, lines);
  await expectNeverSentTwice(harness, batchId);
  await expectNothingOpen(harness);
  const { output, errors } = await harness.results(batchId);
  for (const line of output) {
    const parsed = JSON.parse(line);
    expect(parsed).toMatchObject(parsed.custom_id.startsWith('native') ? nativeForm : openAIForm);
  }
  expect(errors.map((line) => JSON.parse(line))).toMatchObject([
    { custom_id: 'nobody has it', response: null, error: { code: 'model_not_found' } },
    { custom_id: 'nor this', result: { type: 'errored' }, error: { code: 'model_not_found' } },
    { custom_id: 'refused', result: { type: 'errored', error: { error: { type: 'invalid_request_error' } } } },
  ]);

  const batch = await harness.batch(batchId);
  const [openai, anthropic] = ['openai', 'anthropic'];
  const summary = JSON.parse((await harness.read(`results/${batchId}/batch.json`)) ?? '');
  const { breakdown, usage, cost } = summary.batchdrop.receipt;
  const chat = '/v1/chat/completions';
  expect(batch.endpoint).toBe(chat);
  expect(breakdown).toMatchObject([
    { provider: anthropic, model: 'claude-sonnet-4-5', endpoint: '/v1/messages', requests: 5, completed: 5, failed: 0 },
    { provider: openai, model: 'gpt-5-mini', endpoint: chat, requests: 5, completed: 5, failed: 0 },
    { provider: openai, model: 'gpt-5-mini', endpoint: '/v1/messages', requests: 6, completed: 5, failed: 1 },
    { provider: openai, model: 'o3', endpoint: chat, requests: 5, completed: 5, failed: 0 },
    { provider: anthropic, model: 'claude-sonnet-4-5', endpoint: chat, requests: 5, completed: 5, failed: 0 },
  ]);
  const sumOf = (member: (part: (typeof breakdown)[number]) => number) =>
    breakdown.map(member).reduce((sum: number, value: number) => sum + value, 0);
  expect(batch.counts).toEqual({ total: 28, completed: 25, failed: 3 });
  expect(sumOf((part) => part.usage.total_tokens)).toBe(usage.total_tokens);
  expect(usage).toEqual(summary.usage);
  expect(sumOf((part) => part.cost.usd)).toBeCloseTo(cost.usd, 5);
  expect(cost.usd).toBeGreaterThan(0);

  const warnings = (await harness.read(`results/${batchId}/warnings.jsonl`)) ?? '';
  const warned = warnings
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(warned).toHaveLength(10);
  expect(batch.warningCount).toBe(10);
  expect(new Set(warned.map(({ param }) => param))).toEqual(new Set(['params.top_k', 'body.seed']));
});

it('the url of the first line in OpenAI form binds the others, wherever native lines stand', async () => {
  const other = chatLine('b').replace('/v1/chat/completions', '/v1/responses');
  const batchId = await run('two urls.jsonl', [nativeLine('n'), chatLine('a'), other]);
  const batch = await harness.batch(batchId);
  expect(batch.status).toBe('failed');
  expect(batch.errors).toMatchObject([{ code: 'invalid_url', line: 3, param: 'url' }]);
});

it('what a translation leaves out is an error where the batch is strict', async () => {
  const line = withMembers(nativeLine('n'), { model: 'gpt-5-mini', top_k: 5 });
  const batch = await harness.batch(await run('strict.jsonl', [line], { strict: 'true' }));
  expect(batch.status).toBe('failed');
  expect(batch.errors).toMatchObject([{ code: 'unsupported_parameter', line: 1, param: 'params.top_k' }]);
});

it('Responses run where there are only chat completions', async () => {
  const body = { model: 'claude-sonnet-4-5', input: 'hello', instructions: 'Be brief.' };
  const lines = ['a', 'b'].map((custom_id) =>
    JSON.stringify({ custom_id, method: 'POST', url: '/v1/responses', body }),
  );
  const batchId = await run('responses.jsonl', lines);
  await expectExactlyOnce(harness, batchId, lines);
  const { output } = await harness.results(batchId);
  expect(JSON.parse(output[0] ?? '')).toMatchObject({
    custom_id: 'a',
    response: { status_code: 200, body: { object: 'response', status: 'completed', output: [{ type: 'message' }] } },
  });
});

it('a name that looks like another account goes whole to the provider of the batch, and the status file says so', async () => {
  const lines = [
    chatLine('a', 'hello', 'anthropic/x'),
    withMembers(nativeLine('b'), { model: 'anthropic/x' }),
    chatLine('c', 'hello', 'openai/gpt-5-mini'),
  ];
  const batchId = await run('slash.jsonl', lines, { provider: 'openai', strict: 'true' });
  await expectExactlyOnce(harness, batchId, lines);
  const { report, warningCount } = await harness.batch(batchId);
  expect(report?.shards.map(({ provider, model }) => `${provider}: ${model}`)).toEqual([
    'openai: anthropic/x',
    'openai: anthropic/x',
    'openai: gpt-5-mini',
  ]);
  expect(warningCount).toBe(2);
  const note = expect.stringMatching(
    /^The model 'anthropic\/x' goes to 'openai', the batch's provider, under its whole name/,
  );
  expect(JSON.parse((await harness.read('status/slash.jsonl.json')) ?? '')).toMatchObject({ routing_notes: [note] });
  const warnings = (await harness.read(`results/${batchId}/warnings.jsonl`))?.trim().split('\n') ?? [];
  expect(warnings.map((line) => JSON.parse(line))).toMatchObject([
    { line: 1, code: 'model_routed', param: 'body.model', message: note },
    { line: 2, code: 'model_routed', param: 'params.model', message: note },
  ]);
});
