import { deliveredMinutes, type Journal, type KeptRequest, type NewRequest, noPass } from './journal.ts';

/** What of a call decides whose answer it gets. */
export interface ClaimingCall extends Omit<NewRequest, 'place'> {}

/** The request that a call waits for from now on. */
export interface Claim {
  request: KeptRequest;
  /** What it was before: nobody's, somebody else's who has gone or been closed, or one that has its answer already. */
  kind: 'new' | 'taken_up' | 'taken_over' | 'given_again';
}

/** Codes of ours behind which there may be an answer that was paid for. */
const maybePaid: ReadonlySet<string | null> = new Set([
  'submission_unconfirmed',
  'result_missing',
  'invalid_result_line',
  'invalid_answer',
  'results_unavailable',
  'batch_overdue',
]);

/**
 * Decides which request of the journal a call is for.
 *
 * Within a pass the n-th call of a key gets the n-th request of that key, also that of an earlier pass which did not end well. Besides,
 * a call that says that it is a repetition takes up an equal one: first one whose caller has gone, then one whose caller still waits and
 * has tried less often, then one that was delivered a while ago. Any call takes up an equal one that was never delivered and
 * whose caller has gone. Whatever else is equal is another sample.
 */
export class Claims {
  readonly #journal: Journal;
  /** By pass and key, the place that the next arrival has. */
  readonly #nextPlaces = new Map<string, number>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  claim(call: ClaimingCall): Claim {
    return this.#journal.grouped(() => this.#claimed(call));
  }

  #claimed(call: ClaimingCall): Claim {
    const found = this.#repeated(call);
    if (found) {
      this.#journal.claim(found.request.id, call.pass, call.retryCount);
      return found;
    }
    return call.pass.id === noPass.id ? this.#insert(call, null) : this.#nextOfPass(call);
  }

  #repeated({ callKey, pass, retryCount, nowMs }: ClaimingCall): Claim | null {
    const abandoned = this.#journal.abandoned(callKey, pass);
    if (abandoned) return { request: abandoned, kind: 'taken_up' };
    if (retryCount === 0) return null;
    const waiting = this.#journal.waitedFor(callKey, pass, retryCount);
    if (waiting) return { request: waiting, kind: 'taken_over' };
    const delivered = this.#journal.deliveredSince(callKey, pass, retryCount, nowMs - deliveredMinutes * 60_000);
    return delivered && { request: delivered, kind: 'given_again' };
  }

  #nextOfPass(call: ClaimingCall): Claim {
    const { callKey, pass } = call;
    const counter = `${pass.id} ${callKey}`;
    let place = this.#nextPlaces.get(counter) ?? this.#journal.nextPlace(callKey, pass);
    let kept = this.#journal.atPlace(callKey, pass.generation, place);
    // Somebody else's, of a pass that runs at the same time.
    while (kept?.waits === 1) {
      place += 1;
      kept = this.#journal.atPlace(callKey, pass.generation, place);
    }
    const claim = kept ? this.#repeatEarlier(call, kept) : this.#insert(call, place);
    this.#nextPlaces.set(counter, place + 1);
    return claim;
  }

  /** A pass that repeats another one gets its answers, but not its failures that cost nothing. */
  #repeatEarlier(call: ClaimingCall, kept: KeptRequest): Claim {
    const { id, status, code } = kept;
    this.#journal.claim(id, call.pass, call.retryCount);
    const isAskedAnew = status !== null && status >= 400 && !maybePaid.has(code);
    if (isAskedAnew) this.#journal.reopen(id, call.body);
    return { request: this.#journal.request(id) ?? kept, kind: isAskedAnew ? 'new' : 'taken_up' };
  }

  #insert(call: ClaimingCall, place: number | null): Claim {
    return { request: this.#journal.insert({ ...call, place }), kind: 'new' };
  }
}
