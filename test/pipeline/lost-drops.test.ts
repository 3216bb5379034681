import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Drop } from '../../lib/pipeline/intake/intake.ts';
import type { SweepAnswer } from '../../lib/pipeline/upkeep/sweep.ts';
import type { BatchRecord } from '../../lib/records/batch.ts';
import { digest } from '../../lib/records/digest.ts';
import { batchIdFrom } from '../../lib/records/ids.ts';
import { statusKey } from '../../lib/records/object-keys.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, fileOf } from './requests.ts';
import { intake, sweep } from './steps.ts';

const bucket = 'batchdrop';
const minutes = 60;
const hours = 60 * minutes;
const body = fileOf([chatLine('a')]);

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** Each test has drops of its own time. */
beforeEach(() => pass(25 * hours));

function sweepNow(): Promise<SweepAnswer> {
  return sweep(harness.services, {}, functionContext());
}

/** The event of what stands under the key now. */
async function eventOf(key: string, sequencer = '0062E99A88DC407460'): Promise<Drop> {
  const head = await harness.services.objects.head(key);
  return { bucket, key, etag: head?.etag.replaceAll('"', '') ?? '', sequencer };
}

async function batchesOf(key: string): Promise<BatchRecord[]> {
  const list = harness.services.records.listBatches('default', { order: 'asc', after: null, pageItems: 100 });
  return (await Array.fromAsync(list)).filter(({ inboxKey }) => inboxKey === key);
}

/** @returns the one batch of a key, once it has run to its end. */
async function onlyBatchOf(key: string): Promise<string> {
  const [batch, ...others] = await batchesOf(key);
  expect(others).toEqual([]);
  await drive(harness, batch?.id ?? 'no batch');
  const status = JSON.parse((await harness.read(statusKey(key))) ?? 'null');
  expect(status).toMatchObject({ batch_id: batch?.id, status: 'completed', request_counts: { completed: 1 } });
  return batch?.id ?? '';
}

describe('a drop without an event', () => {
  it('is taken up by the sweep once it is ten minutes old', async () => {
    await harness.put('inbox/lost.jsonl', body);
    pass(9 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    pass(2 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    await onlyBatchOf('inbox/lost.jsonl');
  });

  it('has its options from what stands beside it, and what stands beside it is no drop', async () => {
    await harness.put('inbox/folder/', '');
    await harness.put('inbox/beside.jsonl.options.json', '{"metadata": {"from": "sidecar"}}');
    await harness.put('inbox/beside.jsonl', body);
    pass(11 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect((await batchesOf('inbox/beside.jsonl'))[0]?.options.metadata).toEqual({ from: 'sidecar' });
    await onlyBatchOf('inbox/beside.jsonl');
  });

  it('may be a table, whose template stands in its folder', async () => {
    const template = { body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: '{{ a }}' }] } };
    await harness.put('inbox/lost tables/_template.json', JSON.stringify(template));
    await harness.put('inbox/lost tables/rows.csv', 'a\nfirst\n');
    pass(11 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    await onlyBatchOf('inbox/lost tables/rows.csv');
  });

  it('is told why it cannot be taken, as one with an event is', async () => {
    await harness.put('inbox/lost notes.txt', 'hello');
    pass(11 * minutes);
    await sweepNow();
    expect(await harness.status('lost notes.txt')).toMatchObject({
      status: 'refused',
      first_error: { code: 'unsupported_file' },
    });
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
  });

  it('is left where it is a day old', async () => {
    await harness.put('inbox/old.jsonl', body);
    pass(24 * hours + 1);
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
  });

  it('may have any name', async () => {
    const key = 'inbox/a+b c%20d & <ü>\u0001.jsonl';
    await harness.put(key, body);
    pass(11 * minutes);
    await sweepNow();
    await onlyBatchOf(key);
  });

  it('that fails keeps no other waiting, and the sweep says that it failed', async () => {
    await harness.put('inbox/trouble 1.jsonl', body);
    await harness.put('inbox/trouble 2.jsonl', body);
    pass(11 * minutes);
    const { readText } = harness.services.objects;
    const spy = vi.spyOn(harness.services.objects, 'readText').mockImplementation(function (
      this: typeof harness.services.objects,
      key,
      ...rest
    ) {
      if (key.startsWith('inbox/trouble 1')) throw new Error('a key of KMS is away');
      return readText.call(this, key, ...rest);
    });
    await expect(sweepNow()).rejects.toThrow('a key of KMS is away');
    spy.mockRestore();
    expect(await batchesOf('inbox/trouble 1.jsonl')).toEqual([]);
    await onlyBatchOf('inbox/trouble 2.jsonl');
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    await onlyBatchOf('inbox/trouble 1.jsonl');
  });
});

describe('a drop becomes one batch', () => {
  it('where the event comes before the sweep', async () => {
    await harness.put('inbox/before.jsonl', body);
    const batchId = await intake(harness.services, await eventOf('inbox/before.jsonl'));
    pass(11 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    expect(await onlyBatchOf('inbox/before.jsonl')).toBe(batchId);
  });

  it('where the event comes during the sweep', async () => {
    await harness.put('inbox/during.jsonl', body);
    const event = await eventOf('inbox/during.jsonl');
    pass(11 * minutes);
    const { readText } = harness.services.objects;
    let taken: string | null = null;
    const spy = vi.spyOn(harness.services.objects, 'readText').mockImplementation(async function (
      this: typeof harness.services.objects,
      ...of
    ) {
      const found = await readText.call(this, ...of);
      // The sweep has seen that there is no status file.
      if (of[0] === statusKey('inbox/during.jsonl')) {
        spy.mockRestore();
        taken = await intake(harness.services, event);
      }
      return found;
    });
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await onlyBatchOf('inbox/during.jsonl')).toBe(taken);
  });

  it('where the event comes after the sweep, and after the batch', async () => {
    await harness.put('inbox/after.jsonl', body);
    const event = await eventOf('inbox/after.jsonl');
    pass(11 * minutes);
    await sweepNow();
    const batchId = await intake(harness.services, event);
    expect(await onlyBatchOf('inbox/after.jsonl')).toBe(batchId);
    expect(await intake(harness.services, event)).toBe(batchId);
    await onlyBatchOf('inbox/after.jsonl');
  });

  it('where its status file is gone', async () => {
    const batchId = await harness.drop('unseen.jsonl', body);
    await harness.services.objects.delete([statusKey('inbox/unseen.jsonl')]);
    pass(23 * hours);
    await sweepNow();
    expect(await onlyBatchOf('inbox/unseen.jsonl')).toBe(batchId);
    await harness.services.objects.delete([statusKey('inbox/unseen.jsonl')]);
    pass(2 * hours);
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    expect(await batchesOf('inbox/unseen.jsonl')).toHaveLength(1);
  });

  it('where release 0.1 took it, which knew it by its event', async () => {
    const event = { ...(await eventOf('inbox/after.jsonl')), key: 'inbox/release.jsonl' };
    await harness.put(event.key, body);
    const [model] = await batchesOf('inbox/after.jsonl');
    if (!model) throw new Error('no batch');
    const id = batchIdFrom(digest('drop', bucket, event.key, event.sequencer ?? ''));
    await harness.services.records.createBatch({ ...model, id, inboxKey: event.key });
    expect(await intake(harness.services, event)).toBe(id);
    expect(await batchesOf(event.key)).toHaveLength(1);
  });

  it('where a kept bucket has a new table: what is older was another deployment’s', async () => {
    const now = Date.now();
    const made = await harness.services.records.createdAtSeconds();
    vi.setSystemTime((made - 1) * 1_000);
    await harness.put('inbox/of the table before.jsonl', body);
    vi.setSystemTime((made + 1) * 1_000);
    await harness.put('inbox/of this one.jsonl', body);
    vi.setSystemTime((made + 11 * minutes) * 1_000);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await batchesOf('inbox/of the table before.jsonl')).toEqual([]);
    await onlyBatchOf('inbox/of this one.jsonl');
    vi.setSystemTime(now);
  });

  it.each([1_011, 1_012, 1_018, 1_019, 1_024])(
    'where its key has %d bytes, with an event and without',
    async (bytes) => {
      const keyOf = (ending: string) => {
        const folder = `inbox/${bytes}/ü`;
        return `${folder}${'x'.repeat(bytes - Buffer.byteLength(folder + ending))}${ending}`;
      };
      const [told, lost] = [keyOf('-told.jsonl'), keyOf('-lost.jsonl')];
      for (const key of [told, lost]) await harness.put(key, body);
      const batchId = await intake(harness.services, await eventOf(told));
      pass(11 * minutes);
      expect(await sweepNow()).toMatchObject({ takenUp: 1 });
      expect(await onlyBatchOf(told)).toBe(batchId);
      await onlyBatchOf(lost);
      await intake(harness.services, await eventOf(lost));
      await onlyBatchOf(lost);
    },
  );
});

describe('a drop without an event whose key has the status file of an earlier one', () => {
  /** Drops another file under the same key, of which no event comes. */
  async function replace(key: string, text = body): Promise<void> {
    pass(hours);
    await harness.put(key, text);
    pass(11 * minutes);
  }

  async function newestBatchOf(key: string): Promise<string | undefined> {
    return (await batchesOf(key)).at(-1)?.id;
  }

  it.each([
    ['other bytes', fileOf([chatLine('first')])],
    ['the same bytes', body],
  ])('is taken up, and its status takes the place of the other: after %s', async (name, text) => {
    const key = `inbox/again ${name}.jsonl`;
    const first = await harness.drop(`again ${name}.jsonl`, text);
    await drive(harness, first ?? '');
    await replace(key);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    const second = await newestBatchOf(key);
    expect(second).not.toBe(first);
    await drive(harness, second ?? '');
    expect(await harness.status(`again ${name}.jsonl`)).toMatchObject({ batch_id: second, status: 'completed' });
  });

  it('is taken up while the batch of the earlier one runs', async () => {
    const key = 'inbox/running.jsonl';
    await harness.drop('running.jsonl', fileOf([chatLine('first')]));
    await replace(key);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await batchesOf(key)).toHaveLength(2);
    expect((await harness.status('running.jsonl')).batch_id).toBe(await newestBatchOf(key));
  });

  it('is taken up where the earlier one was refused, and is itself refused once only', async () => {
    const key = 'inbox/refused.jsonl';
    await harness.put(`${key}.options.json`, 'no JSON');
    await harness.put(key, body);
    await intake(harness.services, await eventOf(key));
    expect((await harness.status('refused.jsonl')).status).toBe('refused');
    await replace(key, fileOf([chatLine('second')]));
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    await harness.services.objects.delete([`${key}.options.json`]);
    await replace(key);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    await onlyBatchOf(key);
  });

  it('is taken up where it came within the same second as the refused one', async () => {
    const key = 'inbox/a second.jsonl';
    await harness.put(`${key}.options.json`, 'no JSON');
    await harness.put(key, fileOf([chatLine('first')]));
    await intake(harness.services, await eventOf(key));
    await harness.services.objects.delete([`${key}.options.json`]);
    await harness.put(key, body);
    pass(11 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    await onlyBatchOf(key);
  });

  it('is taken up where that tells of a batch of another table', async () => {
    const key = 'inbox/of another.jsonl';
    await harness.put(statusKey(key), JSON.stringify({ batch_id: 'batch_of_another', status: 'completed' }));
    await harness.put(key, body);
    pass(11 * minutes);
    expect(await sweepNow()).toMatchObject({ takenUp: 1 });
    await onlyBatchOf(key);
  });

  it('is no drop of its own where it has the same bytes and the same idempotency key', async () => {
    const key = 'inbox/by key.jsonl';
    const options = '{"idempotency_key": "lost drops"}';
    await harness.put(`${key}.options.json`, options);
    await harness.put(key, body);
    await intake(harness.services, await eventOf(key));
    await replace(key);
    expect(await sweepNow()).toMatchObject({ takenUp: 0 });
    await onlyBatchOf(key);
  });
});

describe('the status file of a key', () => {
  it('is of the last drop, though the event of one was lost', async () => {
    const key = 'inbox/both.jsonl';
    await harness.put(key, fileOf([chatLine('first')]));
    pass(11 * minutes);
    await sweepNow();
    const [first] = await batchesOf(key);
    await harness.put(key, body);
    const second = await intake(harness.services, await eventOf(key));
    await drive(harness, first?.id ?? '');
    expect(await harness.status('both.jsonl')).toMatchObject({ batch_id: second, status: 'validating' });
    await drive(harness, second ?? '');
    expect(await harness.status('both.jsonl')).toMatchObject({ batch_id: second, status: 'completed' });
  });

  it('is not that of an earlier drop whose event comes late', async () => {
    const key = 'inbox/late.jsonl';
    await harness.put(key, fileOf([chatLine('first')]));
    const early = await eventOf(key);
    pass(minutes);
    await harness.put(key, body);
    pass(11 * minutes);
    await sweepNow();
    expect(await intake(harness.services, early)).toBeNull();
    await onlyBatchOf(key);
  });
});

it('the sweep gets round a large inbox in several runs', async () => {
  for (let drop = 0; drop < 25; drop += 1) await harness.put(`inbox/many/${drop}.jsonl`, body);
  pass(11 * minutes);
  const { listPage } = harness.services.objects;
  const spy = vi.spyOn(harness.services.objects, 'listPage').mockImplementation(async function (
    this: typeof harness.services.objects,
    prefix,
    after,
  ) {
    if (prefix !== 'inbox/') return listPage.call(this, prefix, after);
    const { objects } = await listPage.call(this, 'inbox/many/', after);
    return { objects: objects.slice(0, 1), next: objects.length > 1 ? (objects[0]?.key ?? null) : null };
  });
  const takenUp: number[] = [];
  for (let run = 0; run < 3; run += 1) takenUp.push((await sweepNow()).takenUp);
  spy.mockRestore();
  expect(takenUp).toEqual([20, 5, 0]);
});
