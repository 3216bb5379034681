import { providerKinds } from '../../lib/providers/config.ts';
import { providers } from '../../lib/providers/registry.ts';
import type { BatchRecord } from '../../lib/records/batch.ts';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import type { Evidence } from './evidence.ts';
import { teamConcurrency } from './machine.ts';
import { inboxKeyOf, type PlannedDrop } from './planned-drop.ts';
import { resultProblems } from './result-problems.ts';
import { mostOpenAtOnce, sendingProblems } from './sending-problems.ts';
import type { Creation, SimulatedProviders } from './simulated-providers.ts';

/** A promise that was broken, and about what. */
export interface Violation {
  /** A batch's id, or a drop's key. */
  about: string;
  problem: string;
}

/** What the checks looked at, so that a check which saw nothing cannot pass for a good one. */
export interface Verdict {
  violations: Violation[];
  batches: BatchRecord[];
  lines: number;
  creations: Creation[];
}

/** Holds everything that was dropped against everything that there is now. */
export async function findViolations(
  drops: readonly PlannedDrop[],
  evidence: Evidence,
  providers: SimulatedProviders,
): Promise<Verdict> {
  const batches = await evidence.batches();
  const creations = await evidence.creations();
  const events = await evidence.events();
  const byKey = Map.groupBy(batches, (batch) => batch.inboxKey ?? '');
  const allShards: ShardRecord[] = [];
  const violations: Violation[] = [];
  const note = (about: string, problems: readonly string[]) => {
    violations.push(...problems.map((problem) => ({ about, problem })));
  };
  for (const drop of drops) {
    const key = inboxKeyOf(drop);
    const own = byKey.get(key) ?? [];
    note(key, await dropProblems(drop, own, evidence));
    for (const batch of own) {
      note(batch.id, stateProblems(batch, events));
      if (hasEnded(batch.status)) note(batch.id, await resultProblems(drop, batch, evidence));
      const shards = await evidence.shardsOf(batch);
      allShards.push(...shards);
      note(batch.id, sendingProblems(batch, shards, creations));
    }
  }
  note('everything', strangers(batches, drops, creations));
  note('executions', await executionProblems(evidence));
  note('providers', [
    ...openProblems(await providers.openBatches(), allShards),
    ...placeProblems(creations, allShards),
  ]);
  const lines = drops.reduce((sum, drop) => sum + drop.lines.length, 0);
  return { violations, batches, lines, creations };
}

async function dropProblems(drop: PlannedDrop, batches: BatchRecord[], evidence: Evidence): Promise<string[]> {
  const status = await evidence.statusOf(inboxKeyOf(drop));
  if (!status) return ['There is no status file.'];
  if (batches.length === 0) return [`It never became a batch: ${status.first_error?.code}.`];
  if ('idempotency-key' in drop.options && batches.length > 1)
    return [`One idempotency key made ${batches.length} batches.`];
  const newest = Math.max(...batches.map((batch) => batch.createdAt));
  const batch = batches.find((one) => one.id === status.batch_id);
  if (!batch) return [`The status file is about ${status.batch_id}, which is none of its batches.`];
  if (batch.createdAt < newest) return ['The status file is about an older batch than the last one.'];
  const said = JSON.stringify([status.status, status.request_counts, status.output !== null, status.errors !== null]);
  const is = JSON.stringify([batch.status, batch.counts, batch.outputFileId !== null, batch.errorFileId !== null]);
  return said === is ? [] : [`The status file says ${said}, and the record ${is}.`];
}

/**
 * A record need not know that its event was sent: dynalite takes it out of the index of unfinished batches first and
 * changes it then, and a kill between the two leaves nobody to look at it again.
 */
function stateProblems(batch: BatchRecord, events: readonly string[]): string[] {
  if (!hasEnded(batch.status)) return [`It is stuck as ${batch.status}, epoch ${batch.epoch}.`];
  const sent = new Set(events.filter((id) => id.startsWith(`${batch.id}:`)));
  const expected = `${batch.id}:${batch.status}`;
  const problems: string[] = [];
  if (!sent.has(expected)) problems.push(`No event says that it is ${batch.status}.`);
  if (sent.size > 1) problems.push(`Its events contradict each other: ${[...sent].join(' ')}.`);
  return problems;
}

/** Batches of files that were never dropped, and batches at the providers that belong to none of ours. */
function strangers(
  batches: readonly BatchRecord[],
  drops: readonly PlannedDrop[],
  creations: readonly { providerBatchId: string; requestIds: readonly string[] }[],
): string[] {
  const keys = new Set(drops.map(inboxKeyOf));
  const ids = new Set(batches.map((batch) => batch.id));
  return [
    ...batches
      .filter((batch) => !keys.has(batch.inboxKey ?? ''))
      .map((batch) => `${batch.id} is of ${batch.inboxKey}, which was never dropped.`),
    ...creations
      .filter(({ requestIds }) => !ids.has(`batch_${requestIds[0]?.slice(1, 33)}`))
      .map(({ providerBatchId }) => `${providerBatchId} at a provider is of no batch.`),
  ];
}

async function executionProblems(evidence: Evidence): Promise<string[]> {
  const executions = await evidence.executions();
  const wrong = executions.filter(({ status }) => status !== 'SUCCEEDED');
  return wrong.map(({ name, status }) => `Execution ${name} is ${status}.`);
}

function openProblems(open: readonly string[], shards: readonly ShardRecord[]): string[] {
  return leftOpen(open, shards).map((id) => `${id} is still open.`);
}

/**
 * Of the batches that are open at providers those that the product should have ended: not those that it could not prove to be its
 * own, and so must not cancel either, nor those of providers that have no cancellation once it has closed them on its side.
 */
export function leftOpen(open: readonly string[], shards: readonly ShardRecord[]): string[] {
  const unconfirmed = shards.flatMap(({ end }) => (end?.reason === 'unconfirmed' ? [end.message] : []));
  const runsOn = new Set(shards.filter(isClosedWhileItRuns).map(({ providerBatchId }) => providerBatchId));
  return open.filter((id) => !runsOn.has(id) && !unconfirmed.some((message) => message.includes(id)));
}

/** Accounts of the soak are named after their kinds. */
function isClosedWhileItRuns({ provider, status }: ShardRecord): boolean {
  const kind = providerKinds.find((name) => name === provider);
  return kind !== undefined && !providers[kind].direct.cancels && status !== 'submitted';
}

/** Batches of an account with few places, unless they were given up on our side while they went on. */
function placeProblems(creations: readonly Creation[], shards: readonly ShardRecord[]): string[] {
  const endedByUs = new Map(shards.map((shard) => [shard.providerBatchId, shard]));
  const ofTeam = creations.flatMap((creation) => {
    const shard = endedByUs.get(creation.providerBatchId);
    if (shard?.provider !== 'team') return [];
    const endedAtMs = Math.min(
      creation.endedAtMs ?? Number.POSITIVE_INFINITY,
      shard.endedAtMs ?? Number.POSITIVE_INFINITY,
    );
    return [{ ...creation, endedAtMs }];
  });
  const most = mostOpenAtOnce(ofTeam);
  return most > teamConcurrency
    ? [`Account team had ${most} batches open at once, and ${teamConcurrency} places.`]
    : [];
}
