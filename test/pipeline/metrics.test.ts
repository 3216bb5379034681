import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { emittedMetrics } from '../../lambdas/emitted-metrics.ts';
import { shardStepSchema } from '../../lambdas/events.ts';
import { stepHandler } from '../../lambdas/runtime.ts';
import type { Services } from '../../lib/pipeline/services.ts';
import { noteFailure } from '../../lib/pipeline/upkeep/step-failures.ts';
import type { MetricDimensions, MetricName } from '../../lib/records/metrics.ts';
import { drive, functionContext, pass, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { finalize, poll, prepare, submit } from './steps.ts';

let harness: Harness;
const counted: { name: MetricName; value: number; dimensions: MetricDimensions | undefined }[] = [];

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
  harness.services.metrics = { add: (name, value, dimensions) => counted.push({ name, value, dimensions }) };
});

afterEach(() => {
  counted.length = 0;
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** Runs of Submit, each after the pause that the one before asked for. */
async function submitTimes(times: number, at: { batchId: string; epoch: number; shard: number }): Promise<void> {
  for (let run = 0; run < times; run += 1) {
    pass(600);
    await submit(harness.services, at, functionContext());
  }
}

function values(name: MetricName): number[] {
  return counted.filter((metric) => metric.name === name).map(({ value }) => value);
}

async function run(name: string, lines: string[], services: Services = harness.services): Promise<string> {
  const batchId = (await harness.drop(name, fileOf(lines))) ?? '';
  await drive(harness, batchId, { services });
  return batchId;
}

describe('a batch', () => {
  it('counts its lines, tokens and dollars once, by provider and model', async () => {
    const batchId = await run('counted.jsonl', [
      ...numbered(3, chatLine),
      ...['four', 'five'].map((id) => claudeLine(id)),
    ]);
    await finalize(harness.services, { batchId, epoch: 0 }, functionContext());
    expect(values('BatchesAccepted')).toEqual([1]);
    expect(counted.filter(({ name }) => name === 'Lines')).toEqual(
      expect.arrayContaining([
        { name: 'Lines', value: 3, dimensions: { provider: 'openai', model: 'gpt-5-mini', outcome: 'completed' } },
        {
          name: 'Lines',
          value: 2,
          dimensions: { provider: 'anthropic', model: 'claude-sonnet-4-5', outcome: 'completed' },
        },
      ]),
    );
    const { usage, cost } = await harness.batch(batchId);
    expect(sum(values('Tokens'))).toBe(usage?.total_tokens);
    expect(sum(values('CostUsd'))).toBeCloseTo(cost?.usd ?? 0, 5);
    expect(counted.filter(({ name }) => name === 'BatchesEnded')).toEqual([
      { name: 'BatchesEnded', value: 1, dimensions: { status: 'completed' } },
    ]);
  });

  it('shows no text of its requests in any metric', async () => {
    await run('secret.jsonl', [chatLine('hidden-id', 'hidden text')]);
    expect(counted.length).toBeGreaterThan(5);
    expect(JSON.stringify(counted)).not.toContain('hidden');
  });

  it('of an unknown status is counted where an alarm sees it', async () => {
    harness.simulators.openai.setFaults([{ kind: 'unknown_status', status: 'pondering' }]);
    await run('unknown.jsonl', [chatLine('one')]);
    harness.simulators.openai.setFaults([]);
    expect(counted.find(({ name }) => name === 'UnknownStatuses')).toEqual({
      name: 'UnknownStatuses',
      value: 1,
      dimensions: undefined,
    });
  });

  it('that lost its execution is counted by the sweep, and how late it is', async () => {
    const batchId = (await harness.drop('lost.jsonl', fileOf([chatLine('one')]), { 'deadline-hours': '0.01' })) ?? '';
    harness.running.clear();
    vi.setSystemTime(Date.now() + 136_000);
    await sweepNow(harness);
    expect(values('SweepRestarts')).toEqual([1]);
    expect(values('OldestOverdueSeconds')[0]).toBeGreaterThanOrEqual(99);
    await drive(harness, batchId);
  });

  it('whose step failed five times in a row is counted by the sweep, until the step succeeds', async () => {
    const at = { batchId: (await harness.drop('failing.jsonl', fileOf([chatLine('one')]))) ?? '', epoch: 0 };
    await prepare(harness.services, at, functionContext());
    const refused = stepHandler(shardStepSchema, () => Promise.reject(new Error('The key may not be used.')));
    const context = { awsRequestId: 'x', functionName: 'Batchdrop-submit', getRemainingTimeInMillis: () => 60_000 };
    const fail = () => expect(refused({ ...at, shard: 0 }, context)).rejects.toThrow('may not be used');
    for (let times = 1; times <= 4; times += 1) await fail();
    await sweepNow(harness);
    await fail();
    await sweepNow(harness);
    await submit(harness.services, { ...at, shard: 0 }, functionContext());
    await sweepNow(harness);
    expect(values('FailingShards')).toEqual([0, 1, 0]);
    await drive(harness, at.batchId);
  });

  it('whose step writes down what failed, and ends well, is counted as one whose step throws', async () => {
    const batchId = (await harness.drop('unreadable.jsonl', fileOf([chatLine('one')]))) ?? '';
    const at = { batchId, epoch: 0, shard: 0 };
    await prepare(harness.services, at, functionContext());
    const [round] = (await harness.batch(batchId)).rounds;
    const name = { batchId, set: round?.token ?? '', shard: 0 };
    const { indexKey } = await harness.services.records.getShard(name);
    const index = await harness.services.objects.readBytes(indexKey);
    await harness.put(indexKey, 'no index');
    await submitTimes(4, at);
    await sweepNow(harness);
    await submitTimes(1, at);
    await sweepNow(harness);
    expect(await harness.services.records.getShard(name)).toMatchObject({ failures: { step: 'submit', count: 5 } });
    await harness.put(indexKey, index);
    await submitTimes(1, at);
    await sweepNow(harness);
    expect(values('FailingShards')).toEqual([0, 1, 0]);
    await drive(harness, batchId);
  });

  it('that fails as a whole is counted while that is fresh', async () => {
    const batchId = (await harness.drop('whole.jsonl', fileOf([chatLine('one')]))) ?? '';
    for (let times = 1; times <= 5; times += 1)
      await noteFailure(harness.services, { step: 'finalize', batchId }, new Error('no'));
    pass(60);
    await sweepNow(harness);
    pass(600);
    await sweepNow(harness);
    expect(values('FailingShards')).toEqual([1, 0]);
    await drive(harness, batchId);
  });

  it('counts a shard whose next step is due for long, and none that waits for its provider', async () => {
    const at = { batchId: (await harness.drop('overdue.jsonl', fileOf([chatLine('one')]))) ?? '', epoch: 0 };
    await prepare(harness.services, at, functionContext());
    await submit(harness.services, { ...at, shard: 0 }, functionContext());
    pass(7_200);
    await sweepNow(harness);
    await poll(harness.services, { ...at, events: 0 }, functionContext());
    pass(31 * 60);
    await sweepNow(harness);
    expect(values('OverdueShards')).toEqual([0, 1]);
    await drive(harness, at.batchId);
  });

  it('that is none is counted as refused', async () => {
    expect(await harness.drop('refused.txt', 'no batch')).toBeNull();
    expect(values('DropsRefused')).toEqual([1]);
  });
});

describe('in Lambda', () => {
  it('a metric is a line of the log that CloudWatch understands', () => {
    vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'Batchdrop');
    vi.stubEnv('POWERTOOLS_DEV', 'true'); // prints to this console
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    const print = vi.spyOn(console, 'log').mockReturnValue();
    emittedMetrics().add('Tokens', 12, { provider: 'openai', model: 'gpt-5', direction: 'input' });
    const line = JSON.parse(String(print.mock.calls[0]?.[0]));
    print.mockRestore();
    vi.unstubAllEnvs();
    expect(line).toMatchObject({
      service: 'Batchdrop',
      provider: 'openai',
      model: 'gpt-5',
      direction: 'input',
      Tokens: 12,
    });
    expect(line._aws.CloudWatchMetrics).toEqual([
      {
        Namespace: 'Batchdrop',
        Dimensions: [['service', 'provider', 'model', 'direction']],
        Metrics: [{ Name: 'Tokens', Unit: 'Count' }],
      },
    ]);
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
