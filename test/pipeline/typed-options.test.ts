import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, fileOf } from './requests.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

const body = fileOf([chatLine('one')]);

describe('what is written at a drop is honoured', () => {
  it.each([
    ['max-cost', 'max-cost-usd'],
    ['dryrun', 'dry-run'],
    ['maxattempts', 'max-attempts'],
  ])('metadata %s is refused, since %s was meant', async (name, option) => {
    expect(await harness.drop(`${name}.jsonl`, body, { [name]: '1' })).toBeNull();
    const status = await harness.status(`${name}.jsonl`);
    expect(status).toMatchObject({ status: 'refused', first_error: { code: 'invalid_option' } });
    expect(status.first_error?.message).toContain(`did you mean '${option}'?`);
  });

  it('a label that is called as an option is refused', async () => {
    expect(await harness.drop('label.jsonl', body, { metadata: '{"max_cost_usd":"50"}' })).toBeNull();
    expect((await harness.status('label.jsonl')).first_error?.message).toContain('Give max_cost_usd beside metadata');
  });

  it.each(['beside.jsonl.options.json', 'Beside.options.json'])('a sidecar may be called %s', async (sidecar) => {
    const name = sidecar.startsWith('b') ? 'beside.jsonl' : 'Beside.jsonl';
    await harness.put(`inbox/${sidecar}`, '{"dry_run":true}');
    const batchId = await harness.drop(name, body);
    await drive(harness, batchId ?? '');
    expect(await harness.status(name)).toMatchObject({
      status: 'completed',
      request_counts: { total: 0 },
      options: { dry_run: true },
    });
  });

  it('two sidecars of one drop are refused', async () => {
    await harness.put('inbox/two.jsonl.options.json', '{"dry_run":true}');
    await harness.put('inbox/two.options.json', '{"dry_run":false}');
    expect(await harness.drop('two.jsonl', body)).toBeNull();
    expect((await harness.status('two.jsonl')).first_error?.message).toContain('keep one of them');
  });

  it('a sidecar with a name that is no option is refused, with the one that was meant', async () => {
    await harness.put('inbox/wrong.options.json', '{"max_cost":1}');
    expect(await harness.drop('wrong.jsonl', body)).toBeNull();
    expect((await harness.status('wrong.jsonl')).first_error?.message).toContain('did you mean max_cost_usd?');
  });

  it("others' metadata is harmless, and the status file says what was understood and what was not", async () => {
    const metadata = { mtime: '1790000000', 'cost-center': '7', 'max-attempts': '2' };
    const batchId = await harness.drop('foreign.jsonl', body, metadata);
    expect(batchId).not.toBeNull();
    const status = await harness.status('foreign.jsonl');
    expect(status).toMatchObject({ status: 'validating', options: { max_attempts: 2, dry_run: false } });
    expect(new Set((status as unknown as { ignored_metadata: string[] }).ignored_metadata)).toEqual(
      new Set(['mtime', 'cost-center']),
    );
  });
});

it('a key of Batchdrop is no key of a provider: the stack would be its own', async () => {
  harness.keys.set('openai', `sk-batchdrop-${'a'.repeat(43)}`);
  vi.setSystemTime(Date.now() + 3_600_000); // a key that was read is kept for a while
  const batchId = await harness.drop('loop.jsonl', body);
  await drive(harness, batchId ?? '');
  const status = await harness.status('loop.jsonl');
  expect(status).toMatchObject({ status: 'failed', first_error: { code: 'provider_not_configured' } });
  expect(status.first_error?.message).toContain('without end');
  harness.keys.delete('openai');
});
