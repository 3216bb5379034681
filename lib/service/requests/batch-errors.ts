import { objectFrom } from '../../lines/foreign-json.ts';
import { outcomeOf } from '../../lines/result-outcome.ts';
import type { Services } from '../../pipeline/services.ts';
import type { BatchRecord } from '../../records/batch.ts';
import type { BatchErrors, ErrorGroup } from '../../records/error-group.ts';
import { openRequests, readRequests } from './batch-requests.ts';
import type { RequestParts } from './request-view.ts';

/** Errors that are read: sixteen thousand of the usual length, in a tenth of a second. */
const maxReadBytes = 8 * 1024 * 1024;
const maxLookMs = 5_000;
const maxGroups = 50;
/** Outcomes that are looked up at a time, and errors that are read. */
const outcomesAtATime = 20_000;
const reading = { atATime: 1_000, maxLineBytes: 1024 * 1024 };

/** Why requests of a batch failed, by code. While it runs, of what is collected so far: some may be sent again. */
export async function batchErrors(services: Services, batch: BatchRecord): Promise<BatchErrors> {
  const opened = await openRequests(services, batch);
  // Of the requests nothing is needed.
  const requests = { ...opened, find: async () => new Map() };
  const tally = new Tally();
  for (let first = 0; first < requests.total && !tally.isPartial; first += outcomesAtATime) {
    const outcomes = await requests.outcomes({ first, end: Math.min(requests.total, first + outcomesAtATime) });
    const failed = outcomes.filter(({ status, place }) => status === 'failed' && place !== null);
    for await (const parts of readRequests(services, requests, failed, reading)) if (!tally.add(parts)) break;
  }
  const { looked, isPartial: is_partial } = tally;
  return { object: 'batch.errors', data: tally.groups(), looked, is_partial, gone: requests.gone.answers };
}

class Tally {
  looked = 0;
  isPartial = false;
  readonly #groups = new Map<string, ErrorGroup>();
  readonly #endsAtMs = performance.now() + maxLookMs;
  #bytes = 0;

  /** @returns false, with nothing counted, where enough was looked at. */
  add({ outcome, result }: RequestParts): boolean {
    this.isPartial = this.#bytes > maxReadBytes || (this.looked > 0 && performance.now() >= this.#endsAtMs);
    if (this.isPartial) return false;
    this.looked += 1;
    this.#bytes += result?.length ?? 0;
    const line = result && objectFrom(result);
    const became = line && outcomeOf(line);
    const failure = became?.answered === false ? became : unreadable;
    const { code, message } = failure;
    const name = JSON.stringify([code, outcome.isRetryable]);
    const known = this.#groups.get(name);
    this.#groups.set(
      name,
      known
        ? { ...known, count: known.count + 1 }
        : {
            code,
            count: 1,
            is_retryable: outcome.isRetryable,
            custom_id: typeof line?.custom_id === 'string' ? line.custom_id : null,
            line: outcome.ordinal + 1,
            message,
            next_step: nextStep(code, outcome.isRetryable),
          },
    );
    return true;
  }

  groups(): ErrorGroup[] {
    return [...this.#groups.values()].toSorted((left, right) => right.count - left.count).slice(0, maxGroups);
  }
}

const unreadable = { code: 'unreadable_line', message: 'The error is too long to be read here: see the error file.' };

const readAgain =
  "Read the provider's results once more (collect); to send these requests again may be paid for twice.";

/** What to do about errors of our own (docs/options.md); no provider knows better. */
const nextSteps = new Map<string, string>([
  ['batch_expired', 'Send them again (retry); with a later deadline_hours they have more time.'],
  ['batch_cancelled', 'They were not sent, or not executed, since the batch was cancelled; retry sends them.'],
  ['budget_exceeded', 'They were not sent. Create a batch of the retry file with a higher max_cost_usd.'],
  ['result_missing', readAgain],
  ['invalid_result_line', readAgain],
  ['results_unavailable', readAgain],
  [
    'submission_unconfirmed',
    'They may have been executed: look for their batch at the provider before you send them again (retry).',
  ],
  ['invalid_row', 'Correct these rows, or the template, and send them again.'],
]);

function nextStep(code: string, isRetryable: boolean): string {
  const known = nextSteps.get(code);
  if (known !== undefined) return known;
  return isRetryable
    ? 'Send them again (retry): they failed for no fault of their own.'
    : 'Change these requests before you send them again: the retry file holds them.';
}
