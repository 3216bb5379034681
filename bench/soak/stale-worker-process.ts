import { setTimeout as sleep } from 'node:timers/promises';
import { fileLog } from '../../lambdas/log-file.ts';
import { collect } from '../../lib/pipeline/collect/collect.ts';
import { finalize } from '../../lib/pipeline/finalize/finalize.ts';
import { poll } from '../../lib/pipeline/poll/poll.ts';
import { prepare } from '../../lib/pipeline/prepare/prepare.ts';
import { createServices, type Services, type StepContext } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { functionMs } from './unreliable-function.ts';

// A second process that believes that every batch is its own: it runs steps of live executions beside them, and of
// executions that were superseded. The soak leads its writes through proxies that hold them back.

process.on('disconnect', () => process.exit(1)); // the soak has died

const services = createServices(process.env, { log: fileLog(process.env.BATCHDROP_LOG_FILE ?? '/dev/null') });
const maxStepsAtOnce = 4;
const pauseMs = 300;
const random = new SeededRandom(Number(process.env.STALE_WORKER_SEED));
let running = 0;

for (;;) {
  await sleep(pauseMs);
  if (running >= maxStepsAtOnce) continue;
  running += 1;
  void runAnyStep().finally(() => {
    running -= 1;
  });
}

/** One step of one unfinished batch. Its errors are its own: a step that lost must fail. */
async function runAnyStep(): Promise<void> {
  try {
    const batchId = await anyBatch(services);
    if (batchId !== null) process.send?.({ trouble: `stale worker ran ${await runStep(services, batchId)}` });
  } catch (error) {
    process.send?.({ trouble: `stale worker failed: ${error instanceof Error ? error.name : 'unknown'}` });
  }
}

async function anyBatch({ records }: Services): Promise<string | null> {
  const ids: string[] = [];
  for await (const id of records.unfinishedBatchIds()) ids.push(id);
  return ids[Math.floor(random.next() * ids.length)] ?? null;
}

async function runStep({ records }: Services, batchId: string): Promise<string> {
  const batch = await records.getBatch(batchId);
  const step = { batchId, epoch: Math.max(0, batch.epoch - (random.next() < 0.2 ? 1 : 0)) };
  const set = batch.rounds.at(-1)?.token;
  if (set === undefined) return run('prepare', () => prepare(services, step, context()));
  const shards = await records.listShards(batchId, set);
  const open = shards.filter((shard) => shard.status !== 'collected');
  if (open.length === 0 || hasEnded(batch.status)) return run('finalize', () => finalize(services, step, context()));
  const shard = open[Math.floor(random.next() * open.length)];
  return shard ? runShardStep(step, shard) : 'nothing';
}

function runShardStep(step: { batchId: string; epoch: number }, shard: ShardRecord): Promise<string> {
  const shardStep = { ...step, shard: shard.shard };
  switch (shard.status) {
    case 'pending':
    case 'submitting':
      return run('submit', () => submit(services, shardStep, context()));
    case 'ended':
      return run('collect', () => collect(services, shardStep, context()));
    case 'submitted':
    case 'collected':
    case 'split':
      return run('poll', () => poll(services, { ...step, events: 0 }, context()));
  }
}

async function run(name: string, work: () => Promise<unknown>): Promise<string> {
  await work();
  return name;
}

function context(): StepContext {
  const endsAtMs = Date.now() + functionMs;
  return { remainingMs: () => endsAtMs - Date.now(), signal: AbortSignal.timeout(functionMs - 1_000) };
}
