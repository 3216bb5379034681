import { type Services, unixSeconds } from '../../pipeline/services.ts';
import type { BatchRecord } from '../../records/batch.ts';
import type { BatchRequest, RangeLink, RequestPage, RequestStatus } from '../../records/batch-request.ts';
import { NotFoundError } from '../../records/errors.ts';
import { linkSeconds } from '../../store/objects.ts';
import { type BatchRequests, openRequests, readRequests } from './batch-requests.ts';
import type { BytePlace } from './byte-places.ts';
import type { RequestOutcome } from './request-results.ts';
import { holdsText, type RequestParts, requestView, searchable } from './request-view.ts';

/** Which requests of a batch are wanted. */
export interface RequestQuery {
  /** The line behind which the page begins; 0 for the first page. */
  after: number;
  limit: number;
  status?: RequestStatus | undefined;
  code?: string | undefined;
  /** A text in the name, the request or the answer. */
  q?: string | undefined;
}

/** A longer line is not read for a page. */
const maxLineBytes = 1024 * 1024;
/** What a page holds: below Lambda's 6 MB, whatever is escaped. */
const maxPageBytes = 4 * 1024 * 1024;
/** What one call reads where most is left out, and how long. */
const maxLookedBytes = 32 * 1024 * 1024;
const maxLookMs = 5_000;
/** Requests whose outcomes are looked up at a time, where all are wanted and where few may be. */
const allAtATime = 100;
const fewAtATime = 20_000;

/** A page of a batch's requests in the order of the input, each beside what became of it. */
export async function listRequests(
  services: Services,
  batch: BatchRecord,
  query: RequestQuery,
): Promise<{ requests: BatchRequest[]; page: RequestPage }> {
  const requests = await openRequests(services, batch);
  const taken = new Page(query);
  const endsAtMs = performance.now() + maxLookMs;
  while (taken.next < requests.total) {
    if (taken.isFull || (taken.looked > 0 && performance.now() >= endsAtMs)) break;
    await lookFurther(services, requests, taken, endsAtMs);
  }
  const { total, gone } = requests;
  const { looked, next } = taken;
  return {
    requests: taken.requests,
    page: {
      total,
      looked,
      looked_to: looked > 0 ? next : null,
      next: next < total ? next : null,
      requests_gone: gone.requests,
      answers_gone: gone.answers,
    },
  };
}

/** Looks at the next requests, until the page is full or the time is up. */
async function lookFurther(services: Services, requests: BatchRequests, taken: Page, endsAtMs: number): Promise<void> {
  const { query } = taken;
  const isSearch = query.code !== undefined || query.q !== undefined;
  const isFiltered = isSearch || query.status !== undefined;
  const end = Math.min(requests.total, taken.next + (isFiltered ? fewAtATime : allAtATime));
  const outcomes = await requests.outcomes({ first: taken.next, end });
  const wanted = outcomes.filter((outcome) => isWanted(outcome, query));
  const atATime = isSearch ? allAtATime : query.limit - taken.requests.length;
  for await (const parts of readRequests(services, requests, wanted, { atATime, maxLineBytes })) {
    if (!taken.add(parts)) return;
    if (isSearch && performance.now() >= endsAtMs) return;
  }
  taken.next = end;
}

/** What the outcome alone tells. A code is an error's. */
function isWanted({ status }: RequestOutcome, { status: asked, code }: RequestQuery): boolean {
  return (asked === undefined || status === asked) && (code === undefined || status === 'failed');
}

/** The requests of a page as they are found. */
class Page {
  readonly query: RequestQuery;
  readonly requests: BatchRequest[] = [];
  /** The line behind which nothing was looked at. */
  next: number;
  #bytes = 0;
  #readBytes = 0;
  #isFull = false;

  constructor(query: RequestQuery) {
    this.query = query;
    this.next = query.after;
  }

  get looked(): number {
    return this.next - this.query.after;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** @returns false where the page is full, with or without this request: `next` says it. */
  add(parts: RequestParts): boolean {
    const view = requestView(parts, false);
    this.#readBytes += (parts.request?.length ?? 0) + (parts.result?.length ?? 0);
    if (this.#holdsWanted(parts, view)) {
      const bytes = Buffer.byteLength(JSON.stringify(view));
      this.#isFull = this.requests.length > 0 && this.#bytes + bytes > maxPageBytes;
      if (this.#isFull) return false;
      this.requests.push(view);
      this.#bytes += bytes;
    }
    this.next = parts.outcome.ordinal + 1;
    this.#isFull = this.requests.length === this.query.limit || this.#readBytes > maxLookedBytes;
    return !this.#isFull;
  }

  #holdsWanted(parts: RequestParts, view: BatchRequest): boolean {
    const { code, q } = this.query;
    return (code === undefined || view.code === code) && (q === undefined || holdsText(parts, searchable(q)));
  }
}

/**
 * One request of a batch, whole, or links to its lines where they are too long for an answer.
 *
 * @param line from 1.
 * @throws NotFoundError where the batch has no such request.
 */
export async function retrieveRequest(
  services: Services,
  batch: BatchRecord,
  line: number,
  maxBytes: number,
): Promise<BatchRequest> {
  const requests = await openRequests(services, batch);
  const isThere = line >= 1 && line <= requests.total;
  const [outcome] = isThere ? await requests.outcomes({ first: line - 1, end: line }) : [];
  if (!outcome)
    throw new NotFoundError(`Batch '${batch.id}' has ${requests.total} requests, and none of line ${line}.`);
  const kept = (await requests.find({ first: line - 1, end: line })).get(outcome.ordinal) ?? null;
  if ((kept?.place.bytes ?? 0) + (outcome.place?.bytes ?? 0) > maxBytes) {
    const links = { request: await linkTo(services, kept?.place), response: await linkTo(services, outcome.place) };
    return { ...requestView({ outcome, kept, request: null, result: null }, true), links };
  }
  const [parts] = await Array.fromAsync(
    readRequests(services, requests, [outcome], { atATime: 1, maxLineBytes: maxBytes }),
  );
  return requestView(parts ?? { outcome, kept, request: null, result: null }, true);
}

async function linkTo(services: Services, place: BytePlace | null | undefined): Promise<RangeLink | null> {
  if (!place || place.bytes === 0) return null;
  const { bucket, key, start, bytes } = place;
  const expires_at = unixSeconds(services) + linkSeconds;
  const url = await services.objects.presignedUrl({ bucket, key }, 'line.jsonl');
  return { url, expires_at, range: `bytes=${start}-${start + bytes - 1}` };
}
