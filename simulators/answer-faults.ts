import type { FaultOfKind } from './faults.ts';
import type { Reply } from './http-server.ts';
import { isJsonObject } from './json.ts';

// What is wrong with an answer that came as it should. Batches are changed by the names of their members, at whatever
// depth: the services have no such name for two things.

type Change = (name: string, value: unknown) => [string, unknown] | null;

/** Answers that are JSON with every member changed as `change` says; null leaves one out. */
function changedJson(reply: Reply, change: Change): Reply {
  return reply.kind === 'json' ? { ...reply, body: changedMembers(reply.body, change) } : reply;
}

function changedMembers(value: unknown, change: Change): unknown {
  if (Array.isArray(value)) return value.map((item) => changedMembers(item, change));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).flatMap(([name, inner]) => {
    const changed = change(name, inner);
    return changed === null ? [] : [[changed[0], changedMembers(changed[1], change)]];
  });
  return Object.fromEntries(members);
}

/** Objects that hold nothing but counts, and counts that stand among other members. */
const countObjects = /^(request_counts|batchStats|completionStats|jobProgress|state)$/;
const countMembers = /^((total|completed|succeeded|failed)_requests|(total|processed|success|error)RecordCount)$/;

/** The counts of batches: none, or others. */
export function withWrongCounts(reply: Reply, how: FaultOfKind<'wrong_counts'>['how']): Reply {
  return changedJson(reply, (name, value) => {
    const isCounts = countMembers.test(name) || (countObjects.test(name) && isJsonObject(value));
    if (!isCounts) return [name, value];
    switch (how) {
      case 'absent':
        return null;
      case 'null':
        return [name, null];
      case 'zero':
        return [name, changedNumbers(value, () => 0)];
      case 'text':
        return [name, changedNumbers(value, () => 'many')];
      case 'negative':
        return [name, changedNumbers(value, () => -1)];
      case 'above':
        return [name, changedNumbers(value, (count) => count + 1_000)];
    }
  });
}

/** Some services write their counts as texts; those stay texts. */
function changedNumbers(value: unknown, change: (count: number) => unknown): unknown {
  if (typeof value === 'number') return change(value);
  if (typeof value === 'string' && /^\d+$/.test(value)) return String(change(Number(value)));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, changedNumbers(inner, change)]));
}

const resultNames =
  /^(output_file_id|error_file_id|results_url|output_file|error_file|responsesFile|outputInfo|outputDatasetId)$/;

/** Batches that do not say where their results are. */
export function withoutResultNames(reply: Reply, how: FaultOfKind<'unnamed_results'>['how']): Reply {
  return changedJson(reply, (name, value) => {
    if (!resultNames.test(name)) return [name, value];
    return how === 'absent' ? null : [name, null];
  });
}

type ClockFault = FaultOfKind<'wrong_clock'>['how'];

const timeName = /(_at|_time|Time)$/;

/** Times that are off, or written in another way. */
export function withWrongClock(reply: Reply, how: ClockFault): Reply {
  const changed = changedJson(reply, (name, value) => [name, timeName.test(name) ? changedTime(value, how) : value]);
  return typeof how === 'object' ? withDateHeader(changed, how.shiftSeconds) : changed;
}

function changedTime(value: unknown, how: ClockFault): unknown {
  if (typeof value !== 'number' && (typeof value !== 'string' || Number.isNaN(Date.parse(value)))) return value;
  if (how === 'zero') return typeof value === 'number' ? 0 : new Date(0).toISOString();
  if (how === 'milliseconds') return typeof value === 'number' ? value * 1_000 : value;
  if (how === 'without_offset') return typeof value === 'string' ? value.replace(/(Z|\+00:00)$/, '') : value;
  return typeof value === 'number'
    ? value + how.shiftSeconds
    : new Date(Date.parse(value) + how.shiftSeconds * 1_000).toISOString();
}

function withDateHeader(reply: Reply, shiftSeconds: number): Reply {
  const date = new Date(Date.now() + shiftSeconds * 1_000).toUTCString();
  return { ...reply, headers: { ...reply.headers, date } };
}

const listNames = new Set([
  'data',
  'batches',
  'operations',
  'batchPredictionJobs',
  'invocationJobSummaries',
  'batchInferenceJobs',
]);

/** The batches of a page from last to first. */
export function withUnorderedBatches(reply: Reply): Reply {
  if (reply.kind !== 'json') return reply;
  if (Array.isArray(reply.body)) return { ...reply, body: reply.body.toReversed() };
  return changedJson(reply, (name, value) => [
    name,
    listNames.has(name) && Array.isArray(value) ? value.toReversed() : value,
  ]);
}

type WrongBody = FaultOfKind<'wrong_body'>;

/** @param earlier what the same operation answered before; without it an answer stays as it is. */
export function wrongBody({ body, status = 200 }: WrongBody, right: Reply, earlier: Reply | undefined): Reply {
  switch (body) {
    case 'earlier':
      return earlier ?? right;
    case 'html':
      return text(status, 'text/html', '<!doctype html>\n<title>One moment</title>\n<p>We will be right back.</p>\n');
    case 'error':
      return text(status, 'application/json', '{"error":{"message":"upstream busy"}}');
    case 'empty':
      return text(status, 'text/plain', '');
    case 'empty_object':
      return text(status, 'application/json', '{}');
    case 'empty_list':
      return text(status, 'application/json', '[]');
    case 'null':
      return text(status, 'application/json', 'null');
  }
}

function text(status: number, contentType: string, body: string): Reply {
  return { kind: 'text', status, headers: { 'content-type': contentType }, body };
}
