import { expect } from 'vitest';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { type DriveOptions, drive, pass } from '../pipeline/drive.ts';
import { type Harness, startHarness } from '../pipeline/harness.ts';
import { expectExactlyOnce } from '../pipeline/invariants.ts';
import { fileOf } from '../pipeline/requests.ts';
import { type Script, startUpstream, type Upstream, type Wire } from './upstream.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { gemini } from './wires/gemini.ts';
import { mistral } from './wires/mistral.ts';
import { openai } from './wires/openai.ts';

export const wires: readonly Wire[] = [openai, anthropic, gemini, mistral, bedrock];

/** The pipeline with its clock that tests turn, and an upstream for every wire. */
export interface Hostile {
  harness: Harness;
  upstreams: Upstream[];
  close(): Promise<void>;
}

export const settleSeconds = 5;
const tickSeconds = 0.1;

export async function startHostile(more: object = {}): Promise<Hostile> {
  const upstreams = await Promise.all(wires.map(startUpstream));
  const quick = { settleSeconds, createTimeoutSeconds: 2, ...more };
  const providers = upstreams.map(({ wire, url }) => [accountOf(wire), { ...wire.account(url), ...quick }]);
  // As in AWS: what lasts for hours is looked at in minutes.
  const config = { polling: { minSeconds: 15, maxSeconds: 600 } };
  const harness = await startHarness({ providers: Object.fromEntries(providers), config });
  // The clock that tests turn goes on by itself, too: Mistral's SDK repeats a call until some time is over by it.
  const ticking = setInterval(() => pass(tickSeconds), tickSeconds * 1_000);
  return {
    harness,
    upstreams,
    close: async () => {
      clearInterval(ticking);
      await harness.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

export function accountOf(wire: Pick<Wire, 'name'>): string {
  return `upstream-${wire.name}`;
}

export interface Plan extends DriveOptions {
  script: Script;
  /** Those whose lines are in the batch; all without it. */
  only?: readonly string[];
  linesEach?: number;
  options?: Record<string, string>;
}

export interface Ended {
  batchId: string;
  lines: string[];
  status: string;
  completed: number;
  /** Codes of the error lines, without repeats. */
  codes: string[];
  /** By the name of a wire: how many of its lines have an answer, or an error of which code. */
  byWire: Record<string, Record<string, number>>;
  /** Everything that stood in a shard's record as its last error, by account. */
  reasons: Map<string, Set<string>>;
  shards: ShardRecord[];
  receipt: { provider_batches: { raw_results: string[]; lost: number }[] };
}

let files = 0;

/** Drops lines for every wire, plays the batch to its end, and holds it against what must be true whatever happened. */
export async function runBatch({ harness, upstreams }: Hostile, plan: Plan): Promise<Ended> {
  files += 1;
  const taking = upstreams.filter(({ wire }) => plan.only?.includes(wire.name) ?? true);
  for (const upstream of taking) upstream.begin(plan.script);
  const lines = taking.flatMap(({ wire }) =>
    Array.from({ length: plan.linesEach ?? 3 }, (_, place) => questionLine(wire, `${files}-${place}`)),
  );
  const batchId = await harness.drop(`hostile-${files}.jsonl`, fileOf(lines), plan.options);
  if (batchId === null) throw new Error('refused');
  const reasons = new Map<string, Set<string>>();
  const onTurn = async (turn: number) => {
    await plan.onTurn?.(turn);
    for (const { provider, lastError } of await shardsOf(harness, batchId))
      if (lastError !== null) reasonsOf(reasons, provider).add(lastError);
  };
  await drive(harness, batchId, { maxTurns: 1_000, ...plan, onTurn });
  const { output, errors } = await harness.results(batchId);
  const { status, errors: refusals } = await harness.batch(batchId);
  if (status === 'failed') throw new Error(`The input was refused: ${JSON.stringify(refusals[0])}`);
  const summary = JSON.parse((await harness.read(`results/${batchId}/batch.json`)) ?? '{}');
  const ended = {
    batchId,
    lines,
    status,
    completed: output.length,
    codes: [...new Set(errors.map((line) => JSON.parse(line).error.code))],
    byWire: outcomesByWire([...output, ...errors]),
    reasons,
    shards: await shardsOf(harness, batchId),
    receipt: summary.batchdrop.receipt,
  };
  await expectPromises({ harness, upstreams: taking }, ended);
  return ended;
}

function outcomesByWire(results: readonly string[]): Ended['byWire'] {
  const byWire: Ended['byWire'] = {};
  for (const line of results) {
    const { custom_id: id, error } = JSON.parse(line);
    const wire = id.split('-')[1];
    const outcome = error?.code ?? 'answered';
    byWire[wire] = { ...byWire[wire], [outcome]: (byWire[wire]?.[outcome] ?? 0) + 1 };
  }
  return byWire;
}

function questionLine(wire: Wire, name: string): string {
  const question = `question-${wire.name}-${name}`;
  const body = {
    model: `${accountOf(wire)}/${wire.model}`,
    max_tokens: 50,
    messages: [{ role: 'user', content: question }],
  };
  return JSON.stringify({ custom_id: question, method: 'POST', url: '/v1/chat/completions', body });
}

async function shardsOf({ services }: Harness, batchId: string): Promise<ShardRecord[]> {
  const { rounds } = await services.records.getBatch(batchId);
  return (await Promise.all(rounds.map(({ token }) => services.records.listShards(batchId, token)))).flat();
}

function reasonsOf(reasons: Map<string, Set<string>>, provider: string | null): Set<string> {
  const of = reasons.get(provider ?? '') ?? new Set();
  reasons.set(provider ?? '', of);
  return of;
}

/** How long after its deadline a batch may take: the half hour for results, and the pauses around it. */
const graceSeconds = 3_600;

/** Every custom_id once; no line accepted twice; every failure with its reason; an end by the deadline. */
async function expectPromises({ harness, upstreams }: Pick<Hostile, 'harness' | 'upstreams'>, ended: Ended) {
  await expectExactlyOnce(harness, ended.batchId, ended.lines);
  for (const { wire, work } of upstreams)
    expect(work.accepted.toSorted(), `accepted at ${wire.name}`).toEqual([...new Set(work.accepted)].toSorted());
  const { errors } = await harness.results(ended.batchId);
  for (const line of errors)
    expect(JSON.parse(line).error).toMatchObject({
      code: expect.stringMatching(/./),
      message: expect.stringMatching(/./),
    });
  const { deadlineAt } = await harness.batch(ended.batchId);
  expect(hasEnded(ended.status as Parameters<typeof hasEnded>[0])).toBe(true);
  expect(Date.now() / 1_000).toBeLessThan(deadlineAt + graceSeconds);
}
