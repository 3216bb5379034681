import { InternalServiceError, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drive, pass } from './drive.ts';
import { type Harness, type StatusFile, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, claudeLine, embeddingLine, fileOf, nativeLine, numbered } from './requests.ts';
import { intake } from './steps.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

async function run(name: string, body: string | Buffer, metadata: Record<string, string> = {}): Promise<StatusFile> {
  const batchId = await harness.drop(name, body, metadata);
  if (batchId !== null) await drive(harness, batchId);
  return harness.status(name);
}

async function creations(): Promise<number> {
  const { openai, anthropic } = harness.simulators;
  return (await openai.creations()).length + (await anthropic.creations()).length;
}

const good = chatLine('good');
/** How long a function keeps a key that it has read. */
const secretsMaxAgeSeconds = 300;

describe('an input that is wrong fails before anything is sent, and says where and what to do', () => {
  it.each<[string, string | Buffer, string, number | null]>([
    ['empty', '', 'empty_file', null],
    ['only blank lines', '\n \n\r\n', 'empty_file', null],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from(`${good}\n{"custom_id":"`), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]),
      'invalid_json_line',
      2,
    ],
    ['a line of 17 MB', `${good}\n${chatLine('big', 'x'.repeat(17 * 1024 * 1024))}\n`, 'line_too_long', 2],
    ['invalid JSON', `${good}\n{"custom_id": \n`, 'invalid_json_line', 2],
    [
      'no custom_id',
      `${good}\n{"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5"}}`,
      'missing_required_parameter',
      2,
    ],
    [
      'a body of the wrong type',
      `${good}\n{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":[]}`,
      'invalid_type',
      2,
    ],
    ['a duplicate custom_id', fileOf([good, chatLine('b'), good]), 'duplicate_custom_id', 3],
    [
      'streaming',
      `${good}\n{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5","stream":true}}`,
      'streaming_unsupported',
      2,
    ],
    ['another url', fileOf([good, embeddingLine('b')]), 'invalid_url', 2],
    ['an unknown model', fileOf([good, chatLine('b', 'x', 'mystery-1')]), 'model_not_found', 2],
  ])('%s', async (name, body, code, line) => {
    const before = await creations();
    const status = await run(`${name}.jsonl`, body);
    expect(status).toMatchObject({ status: 'failed', output: null, first_error: { code, line } });
    expect(status.first_error?.message.length).toBeGreaterThan(10);
    expect(await creations()).toBe(before);
  });

  it('reports all errors: a hundred in the record, every one in a file', async () => {
    const lines = numbered(150, (id) => chatLine(id, 'x', 'mystery-1'));
    const status = await run('all wrong.jsonl', fileOf(lines));
    expect(status.error_count).toBe(150);
    const batch = await harness.batch(status.batch_id ?? '');
    expect(batch.errors).toHaveLength(100);
    const report = ((await harness.read(`results/${batch.id}/validation.jsonl`)) ?? '').trim().split('\n');
    expect(report.map((line) => JSON.parse(line).line)).toEqual(lines.map((_, place) => place + 1));
  });
});

describe('an input that is odd but right runs', () => {
  it.each<[string, string]>([
    ['no trailing newline', [good, chatLine('b')].join('\n')],
    ['CRLF', `${good}\r\n${chatLine('b')}\r\n`],
    ['a byte order mark', `\uFEFF${good}\n${chatLine('b')}\n`],
    ['blank lines', `\n${good}\n\n  \n${chatLine('b')}\n\n`],
    ['a key with spaces, ünïcode and a+b & 100%', fileOf([good, chatLine('b')])],
  ])('%s', async (name, body) => {
    const status = await run(`${name}.jsonl`, body);
    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 2, failed: 0 } });
    await expectExactlyOnce(harness, status.batch_id ?? '', [good, chatLine('b')]);
  });

  it('keeps odd custom_ids to the byte', async () => {
    const ids = ['with "quotes"', 'ünï — 😀', 'a\\b/c', ' spaces ', 'x'.repeat(512), '__proto__', '\u2028'];
    for (const [name, line] of [
      ['openai', chatLine],
      ['anthropic', claudeLine],
      ['native', nativeLine],
    ] as const) {
      const lines = ids.map((id) => line(id, 'hello'));
      const status = await run(`odd ids ${name}.jsonl`, fileOf(lines));
      expect(status.status).toBe('completed');
      await expectExactlyOnce(harness, status.batch_id ?? '', lines);
    }
  });

  it('sends the bytes of a line as they are', async () => {
    const line =
      '{ "custom_id" : "n", "method":"POST", "url":"/v1/chat/completions", "body": {"model":"gpt-5-mini", "seed": 12345678901234567890, "temperature": 1.0, "messages":[{"role":"user","content":"caf\\u00e9 é"}]}}';
    const status = await run('bytes.jsonl', `${line}\n`);
    expect(status.status).toBe('completed');
    const sent = await harness.sentToOpenAI();
    const [received] = sent.filter((text) => text.includes('12345678901234567890'));
    expect(received?.trim()).toMatch(/^\{ "custom_id" : "[a-z0-9]{47}", /);
    expect(received?.trim().replace(/"[a-z0-9]{47}"/, '"n"')).toBe(line);
  });
});

describe('invalid lines as error lines', () => {
  it('leave the others alone and stand in their place', async () => {
    const invalid = ['{"custom_id":"bad-1","method":"POST"}', chatLine('bad-2', 'x', 'mystery-1')];
    const lines = [good, invalid[0] ?? '', chatLine('b'), invalid[1] ?? '', chatLine('c')];
    const status = await run('some wrong.jsonl', fileOf(lines), {
      'on-invalid-line': 'error_line',
      'on-unknown-model': 'error_line',
    });
    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 5, completed: 3, failed: 2 } });
    await expectExactlyOnce(harness, status.batch_id ?? '', lines);
    const { errors } = await harness.results(status.batch_id ?? '');
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({
      custom_id: 'bad-1',
      response: null,
      error: { code: 'missing_required_parameter', message: expect.stringContaining('Line 2'), attempts: 0, line: 2 },
    });
  });

  it('keep the id of a line that is no JSON, where it can be read', async () => {
    const broken = '{"custom_id": "broken", "method": "POST", "body": {"temperature": NaN}}';
    const status = await run('nan.jsonl', fileOf([good, broken]), { 'on-invalid-line': 'error_line' });
    const { errors } = await harness.results(status.batch_id ?? '');
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({
      custom_id: 'broken',
      error: {
        code: 'invalid_json_line',
        line: 2,
        message: expect.stringContaining('At character 67: JSON has no NaN'),
      },
    });
  });

  it.each([
    ['a table', 'id,review\n1,good\n2,bad\n', 'looks like a table (CSV)'],
    ['a list', JSON.stringify([{ custom_id: 'a' }], null, 2), 'is JSON over several lines'],
  ])('are none where the file as a whole is %s: that is said once', async (name, text, what) => {
    const status = await run(`${name}.jsonl`, text, { 'on-invalid-line': 'error_line' });
    expect(status).toMatchObject({
      status: 'failed',
      error_count: 1,
      first_error: { code: 'unsupported_file', line: null, message: expect.stringContaining(what) },
    });
  });

  it('give a doubled custom_id to its first line only', async () => {
    const status = await run('doubled.jsonl', fileOf([good, chatLine('b'), chatLine('good', 'again')]), {
      'on-invalid-line': 'error_line',
    });
    const { output, errors } = await harness.results(status.batch_id ?? '');
    expect(output.map((line) => JSON.parse(line).custom_id)).toEqual(['good', 'b']);
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({
      custom_id: null,
      error: { code: 'duplicate_custom_id', message: expect.stringContaining('line 1') },
    });
  });

  it('run no provider batch where nothing is left', async () => {
    const before = await creations();
    const status = await run('none left.jsonl', '{}\n[]\n', { 'on-invalid-line': 'error_line' });
    expect(status).toMatchObject({
      status: 'completed',
      output: null,
      request_counts: { total: 2, completed: 0, failed: 2 },
    });
    expect(await creations()).toBe(before);
  });
});

describe('options', () => {
  it('come from a sidecar, and object metadata wins over it', async () => {
    await harness.put(
      'inbox/side.jsonl.options.json',
      JSON.stringify({ dry_run: false, metadata: { from: 'sidecar' }, max_attempts: 2 }),
    );
    const status = await run('side.jsonl', fileOf([good]), { 'dry-run': 'true' });
    const batch = await harness.batch(status.batch_id ?? '');
    expect(batch.options).toMatchObject({ dry_run: true, metadata: { from: 'sidecar' }, max_attempts: 2 });
  });

  it.each<[string, Record<string, string>, string]>([
    ['a wrong number', { 'max-cost-usd': 'a lot' }, 'x-amz-meta-max-cost-usd'],
    [
      'an unknown provider',
      { provider: 'nobody' },
      "The provider 'nobody' is not configured; configured are: openai, anthropic.",
    ],
    ['an unknown endpoint', { endpoint: '/v1/chat' }, 'endpoint'],
  ])('with %s refuse the drop', async (name, metadata, message) => {
    const status = await run(`${name}.jsonl`, fileOf([good]), metadata);
    expect(status).toMatchObject({ status: 'refused', batch_id: null, first_error: { code: 'invalid_option' } });
    expect(status.first_error?.message).toContain(message);
  });

  it('that are wrong in a sidecar refuse the drop', async () => {
    await harness.put('inbox/wrong side.jsonl.options.json', '{"max_attempt": 3}');
    const status = await run('wrong side.jsonl', fileOf([good]));
    expect(status).toMatchObject({
      status: 'refused',
      first_error: { code: 'invalid_option', message: expect.stringContaining('max_attempt') },
    });
  });

  it('end a dry run after validation, with its report and nothing sent', async () => {
    const before = await creations();
    const status = await run('dry.jsonl', fileOf([good, claudeLine('b')]), { 'dry-run': 'true' });
    expect(status).toMatchObject({ status: 'completed', output: null, errors: null });
    const summary = JSON.parse((await harness.read(`results/${status.batch_id}/batch.json`)) ?? '');
    expect(summary.batchdrop.report).toMatchObject({
      lines: 2,
      shards: [{ provider: 'openai' }, { provider: 'anthropic' }],
    });
    expect(await creations()).toBe(before);
  });

  it.each([
    ['0.000001', 'mini.jsonl', good, 'The batch may cost'],
    ['100', 'unpriced.jsonl', chatLine('a', 'x', 'gpt-unheard-of'), 'no price is known for openai/gpt-unheard-of'],
  ])('stop a batch above a budget of $%s', async (limit, name, line, message) => {
    const status = await run(name, fileOf([line]), { 'max-cost-usd': limit });
    expect(status).toMatchObject({ status: 'failed', first_error: { code: 'budget_exceeded' } });
    expect(status.first_error?.message).toContain(message);
    expect((await harness.batch(status.batch_id ?? '')).endpoint).toBe('/v1/chat/completions');
  });

  it('in strict mode refuse a parameter that would be dropped, else warn of it', async () => {
    const line = claudeLine('a').replace('"messages"', '"seed":7,"messages"');
    expect(await run('strict.jsonl', fileOf([line]), { strict: 'true' })).toMatchObject({
      status: 'failed',
      first_error: { code: 'unsupported_parameter', line: 1, param: 'body.seed' },
    });
    const status = await run('loose.jsonl', fileOf([line]));
    expect(status.status).toBe('completed');
    const warnings = await harness.read(`results/${status.batch_id}/warnings.jsonl`);
    expect(JSON.parse(warnings ?? '')).toMatchObject({
      line: 1,
      custom_id: 'a',
      param: 'body.seed',
      code: 'parameter_dropped',
    });
  });
});

describe('a drop', () => {
  it('of another kind of file is refused with what to do', async () => {
    expect(await run('notes.txt', 'hello')).toMatchObject({
      status: 'refused',
      first_error: { code: 'unsupported_file', message: expect.stringContaining('.jsonl') },
    });
  });

  it('of the same file again is a batch of its own; the same event again is not', async () => {
    const first = await harness.drop('again.jsonl', fileOf([good]));
    pass(1); // S3 tells times to the second
    const second = await harness.drop('again.jsonl', fileOf([good]));
    expect(second).not.toBe(first);
    await drive(harness, second ?? '');
    expect(await harness.status('again.jsonl')).toMatchObject({ batch_id: second, status: 'completed' });
  });

  it('that is overwritten before it is read ends as input_modified', async () => {
    const batchId = (await harness.drop('changing.jsonl', fileOf([good]))) ?? '';
    await harness.put('inbox/changing.jsonl', fileOf([chatLine('other')]));
    await drive(harness, batchId);
    expect((await harness.batch(batchId)).errors).toEqual([expect.objectContaining({ code: 'input_modified' })]);
  });

  it('that was replaced by another does not hide the status of what replaced it', async () => {
    await harness.put('inbox/replaced.jsonl', fileOf([chatLine('other')]));
    const late = { bucket: 'batchdrop', key: 'inbox/replaced.jsonl', etag: 'f'.repeat(32), sequencer: '01' };
    const second = await harness.drop('replaced.jsonl', fileOf([good]));
    expect(await intake(harness.services, late)).toBeNull();
    await drive(harness, second ?? '');
    expect(await harness.status('replaced.jsonl')).toMatchObject({ batch_id: second, status: 'completed' });
  });

  it('with an idempotency key makes one batch; with the key and another file it is refused', async () => {
    const key = { 'idempotency-key': 'k1' };
    const first = await harness.drop('key a.jsonl', fileOf([good]), key);
    expect(await harness.drop('key a.jsonl', fileOf([good]), key)).toBe(first);
    expect(await harness.drop('key b.jsonl', fileOf([chatLine('other')]), key)).toBeNull();
    expect(await harness.status('key b.jsonl')).toMatchObject({
      status: 'refused',
      first_error: { code: 'idempotency_conflict' },
    });
  });
});

describe('a provider key that is', () => {
  it.each([
    ['wrong', 'sk-wrong-key-000000', 'provider_authentication'],
    ['missing', '', 'provider_not_configured'],
  ])('%s fails the batch before anything is sent, and never shows', async (name, key, code) => {
    harness.keys.set('openai', key);
    pass(secretsMaxAgeSeconds + 1);
    const status = await run(`${name} key.jsonl`, fileOf([good]));
    harness.keys.delete('openai');
    pass(secretsMaxAgeSeconds + 1);
    expect(status).toMatchObject({ status: 'failed', first_error: { code } });
    expect(status.first_error?.message).toMatch(/openai/i);
    if (key) expect(JSON.stringify(status) + harness.logs.join()).not.toContain(key);
  });

  it('not to be read for three minutes is waited for', async () => {
    pass(secretsMaxAgeSeconds + 1);
    const away = vi
      .spyOn(SecretsManagerClient.prototype, 'send')
      .mockRejectedValue(new InternalServiceError({ message: 'KMS is away.', $metadata: {} }));
    const backAtMs = Date.now() + 3 * 60_000;
    const batchId = (await harness.drop('blip.jsonl', fileOf([good]))) ?? '';
    await drive(harness, batchId, {
      onTurn: () => {
        if (Date.now() >= backAtMs) away.mockRestore();
      },
    });
    expect(Date.now()).toBeGreaterThan(backAtMs);
    expect(await harness.status('blip.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  });
});
