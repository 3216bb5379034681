import { sizeOf } from '../../cdk/sizes.ts';
import { listSeconds, secondsToNextLook } from '../../console/look-times.ts';
import { waitSeconds } from '../../lib/records/schedule.ts';

/** What the costs of a batch depend on. */
export interface BatchShape {
  shards: number;
  /** Runs of Poll, which looks at all shards at once. */
  polls: number;
  /** Shards that a poll found further on than before, over all polls; each is written down. */
  shardChanges: number;
  /** Polls that found any; each writes the batch and its status file. */
  changedPolls: number;
  /** Turns of the state machine that submitted: each takes up to 40 shards. */
  submitTurns: number;
  /** Turns that collected: as many, up to one for each shard where each ends at a moment of its own. */
  collectTurns: number;
}

/** What a batch asks of AWS: the formula of docs/cost.md. */
export interface Usage {
  transitions: number;
  historyEvents: number;
  calls: number;
  reads: number;
  queries: number;
  writes: number;
  writeUnits: number;
  s3Puts: number;
  s3Gets: number;
}

/** A batch that goes through in one round, with nothing failing and every object below one part. */
export function usageOf(shape: BatchShape): Usage {
  const { shards, polls, shardChanges, changedPolls, submitTurns, collectTurns } = shape;
  const tasks = 2 + polls + 2 * shards; // Prepare and Finalize, Poll, SubmitShard and CollectShard
  const choices = 2 + polls + submitTurns; // IsPrepared and IsFinal, Decide, IsAnyToCollect
  const waits = polls - 1;
  const maps = submitTurns + collectTurns;
  return {
    transitions: tasks + choices + waits + maps + 1,
    historyEvents: 5 * tasks + 2 * (choices + waits + 1) + 4 * maps + 4 * shards + 2,
    calls: tasks + 1,
    reads: 18 + polls + 13 * shards + shardChanges + 3 * changedPolls,
    queries: 1 + polls,
    writes: 8 + 8 * shards + shardChanges + changedPolls,
    writeUnits: 28 + 9 * shards + 2 * shardChanges + 7 * changedPolls,
    s3Puts: 7 + 5 * shards + changedPolls,
    s3Gets: 11 + 6 * shards + changedPolls,
  };
}

/** US dollars in us-east-1, list prices without free tiers, read 2026-11. Sources: docs/cost.md. */
export const prices = {
  transition: 25 / 1e6,
  call: 0.2 / 1e6,
  gigabyteSecondArm: 13.3334 / 1e6,
  temporaryGigabyteSecond: 0.0309 / 1e6,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  s3Put: 5 / 1e6,
  s3Get: 0.4 / 1e6,
  event: 1 / 1e6,
  gigabyteOut: 0.09,
  gigabyteMonth: 0.023,
  gigabyteLogged: 0.5,
  apiRequest: 1 / 1e6,
} as const;

/** A batch as a user thinks of it. */
export interface Workload {
  batches: number;
  lines: number;
  bytesPerLine: number;
  resultBytesPerLine: number;
  /** Lines that one provider batch takes. */
  linesPerShard: number;
  hours: number;
}

/** Bytes that a function streams in a second, S3 and the provider included: cautious, to be measured on AWS. */
const streamedBytesPerSecond = 25e6;
const secondsOfCall = { intake: 1, prepare: 1, submit: 3, poll: 1, collect: 2, finalize: 1 } as const;
const pollSecondsPerShard = 0.05;
const partBytes = 8 * 1024 * 1024;
const gigabyte = 1e9;

/** Runs of Poll in a batch that takes so long, with the pauses of a deployment. */
export function pollsWithin(hours: number): number {
  let polls = 1;
  for (let age = 0; age < hours * 3_600; polls += 1) age += waitSeconds(age, { minSeconds: 15, maxSeconds: 600 }, 0.5);
  return polls + 1; // the last one sees every shard collected
}

/** Shards that end together are collected by one turn; the first and the last poll find none to collect. */
export function mostCollectTurns(shards: number, polls: number): number {
  return Math.min(shards, polls - 2);
}

export function shapeOf(workload: Workload): BatchShape {
  const shards = Math.ceil(workload.lines / workload.linesPerShard);
  const polls = pollsWithin(workload.hours);
  const submitTurns = Math.ceil(shards / 40);
  const collectTurns = mostCollectTurns(shards, polls);
  const changedPolls = polls - 3; // all but the first and the last two
  return { shards, polls, shardChanges: shards * changedPolls, changedPolls, submitTurns, collectTurns };
}

/** What a workload costs, by what is billed. In US dollars, for all its batches. */
export function costOf(workload: Workload): Record<string, number> {
  const shape = shapeOf(workload);
  const usage = usageOf(shape);
  const input = workload.lines * workload.bytesPerLine;
  const results = workload.lines * workload.resultBytesPerLine;
  const parts = (2 * input + 3 * results) / partBytes; // shards and retry; spooled results, output, errors
  const readUnits = usage.reads + usage.queries * Math.max(1, Math.ceil((shape.shards * 2) / 4));
  const of = {
    'Step Functions, transitions': usage.transitions * prices.transition,
    'Lambda, calls': usage.calls * prices.call,
    'Lambda, time': lambdaUsd(shape, input, results),
    'DynamoDB, writes': usage.writeUnits * prices.writeUnit,
    'DynamoDB, reads': readUnits * prices.readUnit,
    'S3, requests': (usage.s3Puts + parts) * prices.s3Put + usage.s3Gets * prices.s3Get,
    EventBridge: prices.event,
    Logs: (loggedBytes(usage) / gigabyte) * prices.gigabyteLogged,
    'Traffic to the providers': (input / gigabyte) * prices.gigabyteOut,
  };
  return Object.fromEntries(Object.entries(of).map(([name, usd]) => [name, usd * workload.batches]));
}

/**
 * A history event of the machine is a line of some 400 bytes, since it logs all of them without their data; a call of a function has
 * three lines of the platform and one of ours, some 1,200 bytes. Estimated, not measured on AWS.
 */
function loggedBytes({ historyEvents, calls }: Usage): number {
  return 400 * historyEvents + 1_200 * calls;
}

function lambdaUsd(shape: BatchShape, input: number, results: number): number {
  const streamed = (bytes: number) => bytes / streamedBytesPerSecond;
  const seconds = {
    intake: secondsOfCall.intake,
    prepare: secondsOfCall.prepare + streamed(input),
    submit: shape.shards * secondsOfCall.submit + streamed(input),
    poll: shape.polls * (secondsOfCall.poll + shape.shards * pollSecondsPerShard),
    collect: shape.shards * secondsOfCall.collect + streamed(results),
    finalize: secondsOfCall.finalize + streamed(results),
  };
  return (Object.keys(seconds) as (keyof typeof seconds)[]).reduce((sum, name) => {
    const { memoryMiB, temporaryMiB = 512 } = sizeOf[name];
    const perSecond =
      (memoryMiB / 1_024) * prices.gigabyteSecondArm + ((temporaryMiB - 512) / 1_024) * prices.temporaryGigabyteSecond;
    return sum + seconds[name] * perSecond;
  }, 0);
}

/** The worked examples of docs/cost.md. */
export const examples: Record<string, Workload> = {
  '1 million requests, one drop, 6 hours': {
    batches: 1,
    lines: 1_000_000,
    bytesPerLine: 1_000,
    resultBytesPerLine: 1_500,
    linesPerShard: 50_000,
    hours: 6,
  },
  '5,000 drops of 20 requests, 1 hour each': {
    batches: 5_000,
    lines: 20,
    bytesPerLine: 1_000,
    resultBytesPerLine: 1_500,
    linesPerShard: 50_000,
    hours: 1,
  },
  '1 drop of 10,000 requests, 24 hours': {
    batches: 1,
    lines: 10_000,
    bytesPerLine: 1_000,
    resultBytesPerLine: 1_500,
    linesPerShard: 50_000,
    hours: 24,
  },
};

/** The examples as the table of docs/cost.md: a row for each thing that is billed. */
export function examplesTable(): string {
  const costs = Object.values(examples).map(costOf);
  const totals = costs.map((cost) => Object.values(cost).reduce((sum, usd) => sum + usd, 0));
  const dollars = (usd: number) => (usd >= 1 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(4)}`);
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...Object.keys(examples)]),
    row(['---', ...costs.map(() => '---:')]),
    ...Object.keys(costs[0] ?? {}).map((name) => row([name, ...costs.map((cost) => dollars(cost[name] ?? 0))])),
    row(['**Together**', ...totals.map((usd) => `**${dollars(usd)}**`)]),
  ].join('\n');
}

const hourSeconds = 3_600;
/** Of the API's function for one look: a cautious guess, to be measured on AWS. */
const secondsOfLook = 0.1;
const shardBytes = 2_000;
const batchBytes = 3_000;
const listedBatches = 100;

/** Looks of the console at a batch that runs, in one hour that begins at an age of the batch. */
export function looksInHour(fromSeconds: number): number {
  let looks = 0;
  for (let age = fromSeconds; age < fromSeconds + hourSeconds; age += secondsToNextLook(age)) looks += 1;
  return looks;
}

/** @param readUnits of DynamoDB, by 4 KB: the key, the batch and its shards, or a page of the list. */
function lookUsd(readUnits: number): number {
  const functionUsd = secondsOfLook * (sizeOf.api.memoryMiB / 1_024) * prices.gigabyteSecondArm;
  return prices.apiRequest + prices.call + functionUsd + readUnits * prices.readUnit;
}

function unitsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 4_096));
}

/** An hour of watching, as the table of docs/cost.md. */
export function watchingTable(): string {
  const row = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  const ofBatch = (name: string, shards: number, looks: number) => {
    const usd = looks * lookUsd(2 + unitsOf(shards * shardBytes));
    return row([name, looks, `$${usd.toFixed(4)}`]);
  };
  const listLooks = hourSeconds / listSeconds.running;
  const listUsd = listLooks * lookUsd(1 + unitsOf(listedBatches * batchBytes));
  return [
    row(['An hour of watching', 'Looks', 'Cost']),
    row(['---', '---:', '---:']),
    ofBatch('the page of a batch of one shard, from its start', 1, looksInHour(0)),
    ofBatch('the page of a batch of 20 shards, later on', 20, looksInHour(hourSeconds)),
    ofBatch('the page of a batch of 1,000 shards, later on', 1_000, looksInHour(hourSeconds)),
    row(['the list, with 100 batches of which one runs', listLooks, `$${listUsd.toFixed(4)}`]),
  ].join('\n');
}
