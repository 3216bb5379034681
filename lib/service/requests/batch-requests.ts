import { goneFiles } from '../../pipeline/gone-files.ts';
import type { Services } from '../../pipeline/services.ts';
import type { BatchRecord } from '../../records/batch.ts';
import type { Gone } from '../../records/batch-request.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../../records/errors.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import { type GoneFiles, settledAt, workKeptUntil } from '../../records/retention.ts';
import { readPlaces } from './byte-places.ts';
import { type KeptRequest, type OrdinalRange, RequestLines } from './request-lines.ts';
import { openResults, type RequestOutcome, type RequestResults } from './request-results.ts';
import type { RequestParts } from './request-view.ts';

/** Which of a batch's texts are not there any more; null for those that are. */
export interface GoneTexts {
  requests: Gone | null;
  answers: Gone | null;
}

/** What is known of a batch's requests, and their lines as far as they are kept. */
export interface BatchRequests {
  /** 0 until they are known, and where none was accepted. */
  total: number;
  gone: GoneTexts;
  outcomes(range: OrdinalRange): Promise<RequestOutcome[]>;
  /** Request lines by ordinal; none where they are gone. */
  find(range: OrdinalRange): Promise<Map<number, KeptRequest>>;
}

/** @throws ConflictError for a batch of an earlier release of which too little is kept. */
export async function openRequests(services: Services, batch: BatchRecord): Promise<BatchRequests> {
  const rounds = await Promise.all(batch.rounds.map(({ token }) => services.records.listShards(batch.id, token)));
  const files = hasEnded(batch.status) ? await goneFiles(services, batch) : nothingGone;
  const gone = goneTexts(services, batch, files);
  const results: RequestResults = await openResults(services, batch, rounds.flat());
  const lines = new RequestLines(services.objects, rounds[0] ?? []);
  return {
    total: batch.rounds.length === 0 ? 0 : batch.counts.total,
    gone,
    outcomes: async (range) => (await results.outcomes(range)).map((outcome) => withoutGone(outcome, files)),
    async find(range) {
      if (gone.requests !== null) return new Map();
      try {
        return await lines.find(range);
      } catch (error) {
        if (!(error instanceof NotFoundError) || !hasEnded(batch.status)) throw error;
        gone.requests = { since: null, reason: 'The requests of this batch are not kept any more.' };
        return new Map();
      }
    },
  };
}

const nothingGone: GoneFiles = { input: false, output: false, errors: false };

function goneTexts({ config, now }: Services, batch: BatchRecord, files: GoneFiles): GoneTexts {
  const ended = settledAt(batch);
  const until = ended === null ? null : workKeptUntil(ended, config.workKeepDays);
  const isWorkGone = until !== null && now() >= until * 1_000;
  const results = [...(files.output ? ['output file'] : []), ...(files.errors ? ['error file'] : [])];
  return {
    requests: files.input
      ? goneFile('input file')
      : isWorkGone
        ? { since: until, reason: `Requests are kept for ${config.workKeepDays} days after the end of their batch.` }
        : null,
    answers: results.length > 0 ? goneFile(results.join(' and the ')) : null,
  };
}

/** When a file was deleted is kept nowhere. */
function goneFile(name: string): Gone {
  return { since: null, reason: `The ${name} was deleted, or is past its time.` };
}

/** The lines of a file that is gone may be there for a moment still. */
function withoutGone(outcome: RequestOutcome, files: GoneFiles): RequestOutcome {
  const isGone = outcome.status === 'completed' ? files.output : files.errors;
  return isGone ? { ...outcome, place: null } : outcome;
}

/** How requests are read. */
interface Reading {
  /** How many are read at a time. */
  atATime: number;
  /** A longer line is left unread. */
  maxLineBytes: number;
}

/** Bytes of lines that are held at a time. */
const maxHeldBytes = 8 * 1024 * 1024;

/**
 * Reads the lines of requests.
 *
 * @param outcomes in their order.
 * @throws ConflictError where results are being replaced.
 */
export async function* readRequests(
  services: Services,
  requests: BatchRequests,
  outcomes: readonly RequestOutcome[],
  { atATime, maxLineBytes }: Reading,
): AsyncGenerator<RequestParts> {
  for (let from = 0; from < outcomes.length; from += atATime) {
    const some = outcomes.slice(from, from + atATime);
    const [first] = some;
    const last = some.at(-1);
    if (!first || !last) return;
    const kept = await requests.find({ first: first.ordinal, end: last.ordinal + 1 });
    for (const group of groupsOf(some, kept, maxLineBytes)) yield* await readGroup(services, group, kept, maxLineBytes);
  }
}

/** Puts requests together whose lines are held at a time. */
function groupsOf(
  outcomes: readonly RequestOutcome[],
  kept: ReadonlyMap<number, KeptRequest>,
  maxLineBytes: number,
): RequestOutcome[][] {
  const groups: RequestOutcome[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const outcome of outcomes) {
    const lengths = [outcome.place?.bytes ?? 0, kept.get(outcome.ordinal)?.place.bytes ?? 0];
    const own = lengths.reduce((sum, length) => sum + (length > maxLineBytes ? 0 : length), 0);
    if (bytes + own > maxHeldBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(outcome);
    bytes += own;
  }
  return groups;
}

async function readGroup(
  { objects }: Services,
  outcomes: readonly RequestOutcome[],
  kept: ReadonlyMap<number, KeptRequest>,
  maxLineBytes: number,
): Promise<RequestParts[]> {
  const places = outcomes.flatMap(({ ordinal, place }) => [kept.get(ordinal)?.place ?? [], place ?? []].flat());
  const bytes = await readPlaces(
    objects,
    places.filter((place) => place.bytes <= maxLineBytes),
  ).catch((cause: unknown) => {
    if (!(cause instanceof NotFoundError || cause instanceof InvalidInputError)) throw cause;
    throw new ConflictError('The results are being replaced or removed. Ask again in a moment.', { cause });
  });
  return outcomes.map((outcome) => {
    const own = kept.get(outcome.ordinal) ?? null;
    return {
      outcome,
      kept: own,
      request: (own && bytes.get(own.place)) ?? null,
      result: (outcome.place && bytes.get(outcome.place)) ?? null,
    };
  });
}
