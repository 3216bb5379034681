import { providerKinds } from '../../lib/providers/config.ts';
import type { Fault } from '../../simulators/faults.ts';
import type { SeededRandom } from '../../simulators/seeded-random.ts';
import type { FaultsByKind } from './simulated-providers.ts';

/** How long after an unknown create a list may lack the batch: what the soak's configuration says. */
export const settleSeconds = 1.5;
export const createTimeoutSeconds = 1.5;

type MakeFault = (random: SeededRandom) => Fault;

const times = (random: SeededRandom) => 1 + random.below(4);
const operation = (random: SeededRandom) =>
  random.pick<'upload' | 'create' | 'retrieve' | 'list' | 'cancel' | 'results'>([
    'upload',
    'create',
    'create',
    'retrieve',
    'list',
    'cancel',
    'results',
  ]);

/** The provider accepts, and then cuts the line... */
const acceptAndCut: MakeFault = (random) => ({
  kind: 'connection_cut',
  operation: 'create',
  when: 'after_effect',
  times: times(random),
});

/** ...or answers when nobody listens any more. */
const acceptAndAnswerLate: MakeFault = (random) => ({
  kind: 'slow_answer',
  operation: 'create',
  delayMs: createTimeoutSeconds * 1_000 + random.below(2_000),
  times: times(random),
});

/** Each way in which a provider fails; those that leave a create unknown are the dangerous ones, and so more frequent. */
const troubles: [MakeFault, ...MakeFault[]] = [
  (random) => ({ kind: 'slow', delayMs: random.below(12_000), times: times(random) }),
  () => ({ kind: 'stuck', times: 1 }),
  (random) => ({ kind: 'partial', fraction: random.next(), times: times(random) }),
  (random) => ({ kind: 'expired', times: times(random) }),
  (random) => ({ kind: 'slow_cancel', delayMs: random.below(3_000), times: times(random) }),
  (random) => ({ kind: 'unknown_status', status: 'pondering', times: times(random) }),
  (random) => ({ kind: 'batch_failed', code: 'some_trouble', message: 'Some trouble.', times: times(random) }),
  (random) => ({ kind: 'not_found_yet', durationMs: random.below(6_000), times: times(random) }),
  // Less than the settle time: a batch that stays hidden for longer can be proven by nobody.
  (random) => ({
    kind: 'not_found_yet',
    durationMs: random.below(settleSeconds * 1_000 - 400),
    unlisted: true,
    times: times(random),
  }),
  (random) => ({
    kind: 'line_errors',
    fraction: random.next(),
    error: random.pick(['rate_limit', 'server_error', 'overloaded']),
    when: random.pick(['first_submission', 'always']),
    times: times(random),
  }),
  (random) => ({
    kind: 'result_line',
    effect: random.pick(['lost', 'malformed', 'doubled', 'foreign']),
    lines: 1 + random.below(3),
    times: times(random),
  }),
  (random) => ({ kind: 'token_limit', how: random.pick(['failed_batch', 'refused_create']), times: times(random) }),
  (random) => ({
    kind: 'http_error',
    operation: operation(random),
    status: random.pick([429, 500, 503, 529]),
    times: times(random),
  }),
  (random) => ({
    kind: 'connection_cut',
    operation: operation(random),
    when: random.pick(['before_effect', 'after_effect']),
    times: times(random),
  }),
  acceptAndCut,
  acceptAndCut,
  acceptAndAnswerLate,
  acceptAndAnswerLate,
  (random) => ({
    kind: 'truncated_download',
    how: random.pick(['connection_cut', 'clean_end']),
    fraction: random.next(),
    times: times(random),
  }),
];

/** For every kind of provider none to four faults that wait for the next batches and calls. */
export function randomFaultsByKind(random: SeededRandom): FaultsByKind {
  return Object.fromEntries(providerKinds.map((kind) => [kind, randomFaults(random)]));
}

function randomFaults(random: SeededRandom): Fault[] {
  return Array.from({ length: random.below(5) }, () => random.pick(troubles)(random));
}
