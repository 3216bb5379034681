import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { workflowFile } from '../../cdk/constructs/workflow.ts';
import * as events from '../../lambdas/events.ts';
import type { StepContext } from '../../lib/pipeline/services.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { drive, pass } from '../pipeline/drive.ts';
import { type Harness, startHarness } from '../pipeline/harness.ts';
import { expectExactlyOnce } from '../pipeline/invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from '../pipeline/requests.ts';
import { collect, finalize, poll, prepare, submit } from '../pipeline/steps.ts';
import { restore, type Snapshot, takeSnapshot } from './release-snapshot.ts';

/**
 * Before a release its batches are recorded: `RECORD_RELEASE=0.1 npx vitest run test/cdk/releases.test.ts`. Executions that
 * run while the next release is deployed keep the old machine and call the new functions.
 */
const recorded = process.env.RECORD_RELEASE;
const folder = new URL('../fixtures/releases/', import.meta.url).pathname;
const releases = readdirSync(folder);
const moments = ['accepted', 'prepared', 'collected'] as const;
const lines = [...numbered(3, chatLine), ...['four', 'five'].map((id) => claudeLine(id))];

let harness: Harness;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
});

afterEach(async () => {
  await harness.close();
  vi.useRealTimers();
});

function context(): StepContext {
  const endsAt = Date.now() + 60_000;
  return { remainingMs: () => endsAt - Date.now(), signal: new AbortController().signal };
}

describe.runIf(recorded !== undefined)('recording a release', () => {
  it('keeps its batches, its inputs and its machine', async () => {
    harness = await startHarness();
    const target = join(folder, recorded ?? '');
    mkdirSync(target, { recursive: true });
    const write = (name: string, value: object) =>
      writeFileSync(join(target, `${name}.json`), `${JSON.stringify(value, null, 2)}\n`);
    const { services } = harness;
    const batchId = (await harness.drop('recorded.jsonl', fileOf(lines))) ?? '';
    write('accepted', await takeSnapshot(batchId));
    const step = { batchId, epoch: 0 };
    await prepare(services, step, context());
    write('prepared', await takeSnapshot(batchId));
    for (;;) {
      const turn = await poll(services, { ...step, events: 0 }, context());
      if (turn.finished) break;
      for (const shard of turn.submit) await submit(services, { ...step, shard }, context());
      for (const shard of turn.collect) await collect(services, { ...step, shard }, context());
      pass(turn.waitSeconds);
    }
    write('collected', await takeSnapshot(batchId));
    write('inputs', inputsOf(batchId));
    write('workflow', JSON.parse(readFileSync(workflowFile, 'utf8')));
  });
});

/** What each function is called with, as AWS does it now; the API's requests are no business of a release. */
function inputsOf(batchId: string): Record<Exclude<FunctionName, 'api'>, object> {
  const step = { batchId, epoch: 3 };
  const bucket = { name: 'batchdrop' };
  const object = {
    key: 'inbox/recorded.jsonl',
    size: 1_024,
    etag: 'd41d8cd98f00b204e9800998ecf8427e',
    sequencer: '0062E99A88DC407460',
  };
  const event = {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    account: '111122223333',
    region: 'eu-west-1',
    resources: [],
  };
  return {
    intake: {
      ...event,
      'detail-type': 'Object Created',
      source: 'aws.s3',
      detail: {
        version: '0',
        bucket,
        object,
        'request-id': 'C3D13FE58DE4C810',
        requester: '111122223333',
        reason: 'PutObject',
      },
    },
    prepare: step,
    poll: { ...step, events: 1_024 },
    submit: { ...step, shard: 39 },
    collect: { ...step, shard: 0 },
    finalize: step,
    sweep: { ...event, 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} },
  };
}

const schemaOf = {
  intake: events.objectCreatedSchema,
  prepare: events.batchStepSchema,
  poll: events.pollStepSchema,
  submit: events.shardStepSchema,
  collect: events.shardStepSchema,
  finalize: events.batchStepSchema,
  sweep: events.sweepSchema,
};

function readRecorded<Content>(release: string, name: string): Content {
  return JSON.parse(readFileSync(join(folder, release, `${name}.json`), 'utf8'));
}

describe.each(releases)('a batch of release %s', (release) => {
  it.each(moments)('that was %s ends in this one, every request answered once', async (moment) => {
    const snapshot = readRecorded<Snapshot>(release, moment);
    vi.setSystemTime(snapshot.takenAtMs + 60_000);
    harness = await startHarness();
    await restore(snapshot);
    await drive(harness, snapshot.batchId);
    await expectExactlyOnce(harness, snapshot.batchId, lines);
    expect(await harness.status('recorded.jsonl')).toMatchObject({ status: 'completed' });
  });

  it('finds its inputs accepted and its machine answered', async () => {
    const inputs = readRecorded<Record<string, unknown>>(release, 'inputs');
    for (const [name, schema] of Object.entries(schemaOf))
      expect(schema.safeParse(inputs[name]).success, name).toBe(true);
    harness = await startHarness();
    const answers = await answersOf(release);
    const wanted = fieldsWanted(readRecorded(release, 'workflow'));
    expect(Object.keys(wanted)).toEqual(Object.keys(answers));
    for (const [state, fields] of Object.entries(wanted))
      expect(Object.keys(answers[state] ?? {}), state).toEqual(expect.arrayContaining(fields));
  });

  /** By the states of the machine. */
  async function answersOf(of: string): Promise<Record<string, object>> {
    const snapshot = readRecorded<Snapshot>(of, 'collected');
    vi.setSystemTime(snapshot.takenAtMs + 60_000);
    await restore(snapshot);
    const step = { batchId: snapshot.batchId, epoch: 0 };
    return {
      Prepare: await prepare(harness.services, step, context()),
      Poll: await poll(harness.services, { ...step, events: 0 }, context()),
      Finalize: await finalize(harness.services, step, context()),
    };
  }
});

/** What a machine takes from the answers of its functions. */
function fieldsWanted(workflow: { States: Record<string, { ResultSelector?: Record<string, string> }> }) {
  const wanted: Record<string, string[]> = {};
  for (const [name, { ResultSelector: selector }] of Object.entries(workflow.States))
    if (selector) wanted[name] = Object.values(selector).map((path) => path.replace('$.Payload.', ''));
  return wanted;
}
