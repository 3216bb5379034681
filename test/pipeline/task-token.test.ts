import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dropOptions } from '../../cli/transport/bucket/drop-options.ts';
import { resultKey, sidecarKey } from '../../lib/records/object-keys.ts';
import { type ApiHarness, startApi } from '../api/api-harness.ts';
import { takeRefusals } from '../policies/permissions.ts';
import { waitingMachineArn } from '../policies/waiting-machine.ts';
import { drive, functionContext, pass, sweepNow } from './drive.ts';
import type { Harness } from './harness.ts';
import { chatLine, fileOf } from './requests.ts';
import { finalize } from './steps.ts';

let api: ApiHarness;
let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi({ config: { taskMachines: [waitingMachineArn] } });
  harness = api.harness;
});

afterEach(() => {
  harness.events.length = 0;
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const one = fileOf([chatLine('one')]);

/** @param more options beside the token. */
async function dropWith(token: string, name: string, body = one, more: object = {}): Promise<string | null> {
  await harness.put(sidecarKey(`inbox/${name}`) ?? '', JSON.stringify({ task_token: token, ...more }));
  return harness.drop(name, body);
}

function openTask() {
  return harness.tasks.open(waitingMachineArn);
}

async function causeOf(answer: Promise<unknown>): Promise<{ error: string; cause: object }> {
  const { error, cause } = (await answer) as { error: string; cause: string };
  return { error, cause: JSON.parse(cause) };
}

async function created(more: object) {
  const file = await api.client.files.create({ file: new File([one], 'one.jsonl'), purpose: 'batch' });
  return api.client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...more,
  });
}

describe('a task that waits for a batch', () => {
  it('succeeds with what the event says once the batch has completed, and its token is shown nowhere', async () => {
    const { token, answer } = openTask();
    const batchId = (await dropWith(token, 'waited.jsonl')) ?? '';
    const shown = [JSON.stringify(await harness.status('waited.jsonl'))];
    await drive(harness, batchId);
    expect(await answer).toEqual({
      output: harness.events.find(({ detail }) => detail.id.startsWith(batchId))?.detail,
    });
    shown.push(
      (await harness.read(resultKey(batchId, 'batch.json'))) ?? '',
      JSON.stringify(await harness.status('waited.jsonl')),
    );
    shown.push(await (await api.raw(`/v1/batches/${batchId}`)).text(), await (await api.raw('/v1/batches')).text());
    shown.push(JSON.stringify(harness.events));
    expect(shown.filter((text) => !text.includes(batchId))).toEqual([]);
    expect([...shown, ...harness.logs].filter((text) => text.includes(token))).toEqual([]);
  });

  it('succeeds, too, where the deadline passed', async () => {
    const { token, answer } = openTask();
    harness.simulators.openai.setFaults([{ kind: 'stuck' }]);
    const batchId = (await dropWith(token, 'late.jsonl', one, { deadline_hours: 0.01 })) ?? '';
    await drive(harness, batchId);
    harness.simulators.openai.setFaults([]);
    expect(await answer).toMatchObject({ output: { batch: { id: batchId, status: 'expired' } } });
  });

  it('fails with the first error’s code where the input was refused', async () => {
    const { token, answer } = openTask();
    const batchId = (await dropWith(token, 'wrong.jsonl', '{"custom_id": "no request"}\n')) ?? '';
    await drive(harness, batchId);
    const [first] = (await harness.batch(batchId)).errors;
    expect(await causeOf(answer)).toEqual({
      error: first?.code,
      cause: { code: first?.code, message: first?.message, batch_id: batchId, status: 'failed' },
    });
  });

  it('fails where the batch was cancelled', async () => {
    const { token, answer } = openTask();
    const batch = await created({ task_token: token });
    await api.client.batches.cancel(batch.id);
    await drive(harness, batch.id);
    expect(await causeOf(answer)).toMatchObject({ error: 'batch_cancelled', cause: { batch_id: batch.id } });
  });

  it.each([
    ['an option that there is not', 'odd.jsonl', { max_cost: 5 }, 'invalid_option'],
    ['a file that is none of requests', 'odd.txt', {}, 'unsupported_file'],
  ])('fails where the drop was refused for %s', async (_why, name, more, code) => {
    const { token, answer } = openTask();
    expect(await dropWith(token, name, one, more)).toBeNull();
    expect(await causeOf(answer)).toMatchObject({ error: code, cause: { code, batch_id: null, status: 'refused' } });
    expect(JSON.stringify(await harness.status(name))).not.toContain(token);
  });

  it('fails where the token is in the refused drop itself, in whatever spelling', async () => {
    const { token, answer } = openTask();
    expect(await harness.drop('spelled.jsonl', one, { task_token: token, dryrun: 'true' })).toBeNull();
    expect(await causeOf(answer)).toMatchObject({ error: 'invalid_option', cause: { status: 'refused' } });
  });

  it('fails with a message that Step Functions takes, however long the refusal is', async () => {
    const { token, answer } = openTask();
    const unknown = Object.fromEntries(Array.from({ length: 3_000 }, (_, place) => [`no-option-${place}`, 1]));
    expect(await dropWith(token, 'long.jsonl', one, unknown)).toBeNull();
    expect(await causeOf(answer)).toMatchObject({ error: 'invalid_option', cause: { status: 'refused' } });
  });

  it('fails, too, where it was the sweep that found the drop and refused it', async () => {
    const { token, answer } = openTask();
    await harness.put('inbox/found.jsonl', one, { 'task-token': token, 'max-attempts': '99' });
    pass(11 * 60);
    await sweepNow(harness);
    expect(await causeOf(answer)).toMatchObject({ error: 'invalid_option', cause: { status: 'refused' } });
  });

  it('may come with the object itself', async () => {
    const { token, answer } = openTask();
    const batchId = (await harness.drop('metadata.jsonl', one, { 'task-token': token })) ?? '';
    await drive(harness, batchId);
    expect(await answer).toMatchObject({ output: { batch: { id: batchId } } });
  });

  it.each([
    ['has timed out', () => timedOut()],
    ['is not known', () => harness.tasks.open(waitingMachineArn).token.replace(/.{8}$/, 'AAAAAAAA')],
    ['never was', () => 'no token of any machine'],
  ])('counts as told where it %s', async (_what, tokenOf) => {
    const batchId = (await created({ task_token: tokenOf() })).id;
    await drive(harness, batchId);
    expect((await harness.batch(batchId)).task?.answeredAtMs).not.toBeNull();
    expect(await Array.fromAsync(harness.services.records.unfinishedBatchIds())).not.toContain(batchId);
  });

  it('is answered once more where the note of it was lost, and the event is not sent again', async () => {
    const { token } = openTask();
    const { id } = await created({ task_token: token });
    await drive(harness, id);
    await harness.services.records.updateBatch(id, (batch) => ({ ...batch, task: { token, answeredAtMs: null } }));
    harness.running.clear();
    vi.setSystemTime(Date.now() + 60_000);
    await sweepNow(harness);
    const { epoch } = await harness.batch(id);
    expect(epoch).toBe(1);
    await finalize(harness.services, { batchId: id, epoch }, functionContext());
    expect((await harness.batch(id)).task?.answeredAtMs).not.toBeNull();
    expect(harness.events.filter(({ detail }) => detail.id.startsWith(id))).toHaveLength(1);
  });

  it('of a machine that the configuration does not name is not answered; the step fails until it does', async () => {
    const other = harness.tasks.open(`${waitingMachineArn}-of-another`);
    const { id } = await created({ task_token: other.token });
    await expect(drive(harness, id, { maxTurns: 30 })).rejects.toThrow('did not end');
    expect(new Set(takeRefusals())).toEqual(
      new Set([`batchdrop-finalize may not states:SendTaskSuccess on ${waitingMachineArn}-of-another`]),
    );
    expect((await harness.batch(id)).status).toBe('completed');
    expect(harness.events.filter(({ detail }) => detail.id.startsWith(id))).toHaveLength(1);
    expect(await Array.fromAsync(harness.services.records.unfinishedBatchIds())).toContain(id);
    expect(harness.logs.join('\n')).not.toContain(other.token);
    await harness.services.records.updateBatch(id, (batch) => ({ ...batch, task: null }));
  });
});

describe('a state that is tried again', () => {
  const key = { idempotency_key: 'once' };

  it('finds its batch by the key, and the new token takes the place of the old one', async () => {
    const [first, second] = [openTask(), openTask()];
    const file = await api.client.files.create({ file: new File([one], 'one.jsonl'), purpose: 'batch' });
    const create = (token: string) =>
      api.client.batches.create({
        input_file_id: file.id,
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
        ...key,
        ...{ task_token: token },
      });
    const batch = await create(first.token);
    expect((await create(second.token)).id).toBe(batch.id);
    await drive(harness, batch.id);
    expect(await second.answer).toMatchObject({ output: { batch: { id: batch.id } } });

    const third = openTask();
    expect((await create(third.token)).id).toBe(batch.id);
    await drive(harness, batch.id);
    expect(await third.answer).toMatchObject({ output: { batch: { id: batch.id, status: 'completed' } } });
    expect(harness.events.filter(({ detail }) => detail.id.startsWith(batch.id))).toHaveLength(1);
    const answered = await harness.batch(batch.id);
    expect((await create(third.token)).id).toBe(batch.id);
    expect(await harness.batch(batch.id)).toEqual(answered);
  });
});

it('a batch of what failed waits for no task', async () => {
  const { token } = openTask();
  const file = await api.client.files.create({
    file: new File([fileOf([chatLine('bad', '[[refuse]]')])], 'bad.jsonl'),
    purpose: 'batch',
  });
  const request = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  const batch = await api.client.batches.create({ ...request, ...{ task_token: token } });
  await drive(harness, batch.id);
  const retry = (await api.client.post(`/batches/${batch.id}/retry`)) as { id: string };
  expect((await harness.batch(retry.id)).task).toBeNull();
  await drive(harness, retry.id);
});

it('the command line puts a token beside a drop, where more than 2 KB have room', () => {
  const { metadata, sidecar } = dropOptions({ strict: true, task_token: 'a token' });
  expect(metadata).toEqual({ strict: 'true' });
  expect(JSON.parse(sidecar ?? '')).toEqual({ task_token: 'a token' });
});

it('a deployment that may answer no machine says so', async () => {
  const none = await startApi();
  try {
    const batch = none.client.batches.create({
      input_file_id: 'file-x',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      ...{ task_token: 'a token of something' },
    });
    await expect(batch).rejects.toMatchObject({ status: 400, param: 'task_token' });
    expect(await none.harness.drop('one.jsonl', one, { 'task-token': 'a token of something' })).toBeNull();
    const { first_error: error } = await none.harness.status('one.jsonl');
    expect(error).toMatchObject({ code: 'invalid_option', param: 'task_token' });
    expect(error?.message).toContain('"taskMachines"');
  } finally {
    await none.close();
  }
});

function timedOut(): string {
  const { token } = harness.tasks.open(waitingMachineArn);
  harness.tasks.timeOut(token);
  return token;
}
