import { providerKinds } from '../../lib/providers/config.ts';
import type { Fault, FaultOfKind } from '../../simulators/faults.ts';
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

type WrongClock = FaultOfKind<'wrong_clock'>['how'];

const lastsMs = (random: SeededRandom) => 500 + random.below(8_000);

/** What servers, and what stands in front of them, do that no API documents: answers that mislead rather than fail. */
const hostileTroubles: [MakeFault, ...MakeFault[]] = [
  (random) => ({
    kind: 'wrong_body',
    operation: operation(random),
    body: random.pick(['html', 'error', 'empty', 'empty_object', 'empty_list', 'null', 'earlier']),
    times: times(random),
  }),
  (random) => ({ kind: 'wrong_body', operation: 'create', body: 'html', status: 500, times: times(random) }),
  (random) => ({
    kind: 'wrong_counts',
    operation: random.pick(['retrieve', 'list']),
    how: random.pick(['null', 'absent', 'zero', 'text', 'negative', 'above']),
    lastsMs: lastsMs(random),
  }),
  (random) => ({
    kind: 'unnamed_results',
    operation: 'retrieve',
    how: random.pick(['null', 'absent']),
    lastsMs: lastsMs(random),
  }),
  (random) => ({
    kind: 'wrong_clock',
    operation: random.pick(['create', 'retrieve', 'list']),
    how: random.pick<WrongClock>([
      'zero',
      'milliseconds',
      'without_offset',
      { shiftSeconds: -36_000 },
      { shiftSeconds: -600 },
      { shiftSeconds: 600 },
      { shiftSeconds: 36_000 },
    ]),
    lastsMs: lastsMs(random),
  }),
  (random) => ({ kind: 'unordered_list', lastsMs: lastsMs(random) }),
  (random) => ({ kind: 'repeated_page', lastsMs: lastsMs(random) }),
  (random) => ({
    kind: 'redirect',
    operation: operation(random),
    status: random.pick([301, 302, 303, 307, 308]),
    location: 'http://127.0.0.1:9/sign-on',
    times: times(random),
  }),
  (random) => ({
    kind: 'http_error',
    operation: operation(random),
    status: random.pick([401, 402, 403, 404, 408, 410, 425, 451]),
    echoesKey: random.pick(['plain', 'base64', 'url_encoded']),
    lastsMs: lastsMs(random),
  }),
  (random) => ({
    kind: 'http_error',
    operation: operation(random),
    status: random.pick([429, 500]),
    retryAfter: random.pick(['31536000', 'Thu, 01 Jan 2015 00:00:00 GMT', 'later', '-1']),
    messageChars: 1_000_000,
    times: times(random),
  }),
  (random) => ({ kind: 'size_limit', operation: random.pick(['upload', 'create']), maxBytes: 600, times: 2 }),
  (random) => ({ kind: 'refused_lines', names: random.below(2) === 0, match: { text: '7' }, times: times(random) }),
  (random) => ({
    kind: 'result_line',
    effect: random.pick(['nameless', 'status_zero', 'absurd_usage', 'numeric_code']),
    lines: 1 + random.below(3),
    times: times(random),
  }),
  (random) => ({
    kind: 'truncated_download',
    how: random.pick(['inside_line', 'empty']),
    fraction: random.next(),
    times: times(random),
  }),
];

/**
 * For every kind of provider none to four faults that wait for the next batches and calls.
 *
 * @param isHostile whether answers may mislead as well.
 */
export function randomFaultsByKind(random: SeededRandom, isHostile: boolean): FaultsByKind {
  return Object.fromEntries(providerKinds.map((kind) => [kind, randomFaults(random, isHostile)]));
}

function randomFaults(random: SeededRandom, isHostile: boolean): Fault[] {
  return Array.from({ length: random.below(5) }, () =>
    random.pick(isHostile && random.next() < 0.5 ? hostileTroubles : troubles)(random),
  );
}
