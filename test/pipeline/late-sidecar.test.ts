import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Services } from '../../lib/pipeline/services.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, fileOf, numbered } from './requests.ts';
import { intake, poll, prepare, submit } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness({ config: { maxima: { max_attempts: 5 } } });
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

const lines = numbered(3, chatLine);

async function dropped(): Promise<{ batchId: string; name: string }> {
  files += 1;
  const name = `late-${files}.jsonl`;
  const batchId = (await harness.drop(name, fileOf(lines))) ?? '';
  return { batchId, name };
}

/** Its event goes to intake, as the bucket sends it. */
async function putSidecar(name: string, options: object | string): Promise<void> {
  const key = `inbox/${name}.options.json`;
  await harness.put(key, typeof options === 'string' ? options : JSON.stringify(options));
  const head = await harness.services.objects.head(key);
  await intake(harness.services, { bucket: 'batchdrop', key, etag: head?.etag ?? '', sequencer: '0' });
}

async function creations(batchId: string): Promise<number> {
  const created = await harness.simulators.openai.creations();
  return created.filter(({ requestIds: [id = ''] }) => id.includes(batchId.slice('batch_'.length))).length;
}

async function send(batchId: string): Promise<void> {
  const step = { batchId, epoch: 0 };
  await prepare(harness.services, step, functionContext());
  const turn = await poll(harness.services, { ...step, events: 0 }, functionContext());
  for (const shard of turn.submit) await submit(harness.services, { ...step, shard }, functionContext());
}

/** Something happens once, while the input is read. */
function whileReading(happens: () => Promise<void>): Services {
  let isOver = false;
  const { objects } = harness.services;
  const stream: typeof objects.stream = async function* (object, start) {
    if (object.key.startsWith('inbox/') && !isOver) {
      isOver = true;
      await happens();
    }
    yield* objects.stream(object, start);
  };
  const reading = new Proxy(objects, {
    get: (target, name) => {
      const value: unknown = name === 'stream' ? stream : Reflect.get(target, name);
      return typeof value === 'function' && name !== 'stream' ? value.bind(target) : value;
    },
  });
  return { ...harness.services, objects: reading };
}

describe('a sidecar that comes after its file', () => {
  it('is applied where it is there before the input is read', async () => {
    const { batchId, name } = await dropped();
    await putSidecar(name, { dry_run: true, metadata: { team: 'blue' } });
    await drive(harness, batchId);
    expect(await harness.batch(batchId)).toMatchObject({
      status: 'completed',
      verdict: 'dry_run',
      options: { dry_run: true, metadata: { team: 'blue' } },
    });
    expect(await creations(batchId)).toBe(0);
    expect(await harness.status(name)).toMatchObject({ status: 'completed', sidecar_warning: null });
  });

  it('is applied where it comes while the input is read, deadline included', async () => {
    const { batchId, name } = await dropped();
    const services = whileReading(() => putSidecar(name, { dry_run: true, deadline_hours: 1 }));
    await drive(harness, batchId, { services });
    const batch = await harness.batch(batchId);
    expect(batch).toMatchObject({ verdict: 'dry_run', deadlineAt: batch.createdAt + 3_600 });
    expect(await creations(batchId)).toBe(0);
  });

  it('is applied once more where it is overwritten', async () => {
    const { batchId, name } = await dropped();
    await putSidecar(name, { max_attempts: 2 });
    const services = whileReading(() => putSidecar(name, { max_attempts: 4 }));
    await drive(harness, batchId, { services });
    expect((await harness.batch(batchId)).options.max_attempts).toBe(4);
    await expectExactlyOnce(harness, batchId, lines);
  });

  it('is told of in the status file where the batch was sent before', async () => {
    const { batchId, name } = await dropped();
    await send(batchId);
    await putSidecar(name, { dry_run: true });
    const warning = expect.stringContaining(`The file of options beside inbox/${name} came after`);
    expect(await harness.status(name)).toMatchObject({ status: 'in_progress', sidecar_warning: warning });
    await drive(harness, batchId);
    expect(await harness.status(name)).toMatchObject({ status: 'completed', sidecar_warning: warning });
    expect((await harness.batch(batchId)).options.dry_run).toBe(false);
    await expectExactlyOnce(harness, batchId, lines);
  });

  it.each([
    ['no JSON', '{', 'is not valid JSON'],
    ['an option that there is not', { dryrun: true }, 'dryrun'],
    ['more than the deployment allows', { max_attempts: 6 }, 'maximum is 5'],
    ['an idempotency key, of which the batch has its id', { idempotency_key: 'k' }, 'came after the drop'],
  ])('fails the batch where it is %s', async (_what, options, message) => {
    const { batchId, name } = await dropped();
    await putSidecar(name, options);
    await drive(harness, batchId);
    const { status, errors } = await harness.batch(batchId);
    expect(status).toBe('failed');
    expect(errors[0]?.message).toContain(message);
    expect(await creations(batchId)).toBe(0);
  });

  it('says nothing to a batch that has ended, nor where it came first', async () => {
    files += 1;
    const name = `late-${files}.jsonl`;
    await putSidecar(name, { max_attempts: 2 });
    const batchId = (await harness.drop(name, fileOf(lines))) ?? '';
    await drive(harness, batchId);
    await putSidecar(name, { max_attempts: 3 });
    expect(await harness.batch(batchId)).toMatchObject({ status: 'completed', options: { max_attempts: 2 } });
    expect(await harness.status(name)).toMatchObject({ sidecar_warning: null });
  });
});

describe('a sidecar of the next drop under the same key', () => {
  it('is not taken where that drop has the same bytes', async () => {
    const { batchId, name } = await dropped();
    pass(2);
    await harness.put(`inbox/${name}.options.json`, JSON.stringify({ dry_run: true }));
    await harness.put(`inbox/${name}`, fileOf(lines));
    await drive(harness, batchId);
    expect(await harness.batch(batchId)).toMatchObject({ status: 'completed', options: { dry_run: false } });
    await expectExactlyOnce(harness, batchId, lines);
  });

  it.each([
    ['the same bytes', lines],
    ['other bytes', numbered(4, chatLine)],
  ])('is no late one of the batch that runs, where that drop has %s', async (_what, next) => {
    const { batchId, name } = await dropped();
    await send(batchId);
    pass(2);
    await harness.put(`inbox/${name}`, fileOf(next));
    await putSidecar(name, { max_attempts: 2 });
    expect(await harness.status(name)).toMatchObject({ batch_id: batchId, sidecar_warning: null });
  });

  it('is told of where the file of the batch that runs is gone', async () => {
    const { batchId, name } = await dropped();
    await send(batchId);
    await harness.services.objects.delete([`inbox/${name}`]);
    await putSidecar(name, { max_attempts: 2 });
    expect(await harness.status(name)).toMatchObject({ sidecar_warning: expect.stringContaining('came after') });
  });
});

describe('an event of a sidecar', () => {
  it('says nothing of one that was overwritten since', async () => {
    files += 1;
    const name = `late-${files}.jsonl`;
    const key = `inbox/${name}.options.json`;
    await harness.put(key, JSON.stringify({ max_attempts: 2 }));
    const { etag = '' } = (await harness.services.objects.head(key)) ?? {};
    await harness.put(key, JSON.stringify({ max_attempts: 3 }));
    const batchId = (await harness.drop(name, fileOf(lines))) ?? '';
    await send(batchId);
    await intake(harness.services, { bucket: 'batchdrop', key, etag, sequencer: '0' });
    expect(await harness.status(name)).toMatchObject({ sidecar_warning: null });
    expect((await harness.batch(batchId)).options.max_attempts).toBe(3);
  });
});
