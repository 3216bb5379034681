import { SeededRandom } from '../../simulators/seeded-random.ts';
import { type FaultRates, randomFaultRates } from './fault-rates.ts';
import { largeDrop, type PlannedDrop, randomDrop } from './planned-drop.ts';
import { randomFaultsByKind } from './provider-faults.ts';
import type { FaultsByKind } from './simulated-providers.ts';

/** Something that the soak does at a moment. */
export type Action =
  | { kind: 'drop'; drop: PlannedDrop }
  /** The same file under the same idempotency key: the batch that there is already. */
  | { kind: 'drop_again'; drop: PlannedDrop }
  | { kind: 'cancel'; drop: PlannedDrop }
  | { kind: 'fault_rates'; rates: FaultRates }
  | { kind: 'provider_faults'; faults: FaultsByKind }
  /** SIGKILL to the stack, and a new one on the same folder after a while. */
  | { kind: 'kill_stack'; downMs: number }
  /** SIGSTOP and SIGCONT, as when a laptop sleeps. */
  | { kind: 'pause_stack'; forMs: number }
  /** SIGKILL to the simulators: the providers are away. */
  | { kind: 'kill_simulators'; downMs: number }
  /** A second process that runs steps of its own and writes late, until it is killed. */
  | { kind: 'stale_worker'; livesMs: number };

export interface Moment {
  atMs: number;
  action: Action;
}

export interface SchedulePlan {
  seed: number;
  /** How long there is trouble. */
  chaosMs: number;
  /** How long after that a batch may still take by its own deadline. */
  slackMs: number;
  /** Mean between two drops: more than a machine gets through only pile up, and meet less trouble each. */
  dropEverySeconds: number;
  /** Drops of ten megabytes too. */
  hasLargeDrops: boolean;
  /** Providers' answers may mislead: wrong bodies, counts and clocks, lists that repeat, lines of no id. */
  hasHostileProviders: boolean;
}

/** Means between two actions of a kind. A batch here takes a few seconds, so that each meets several of them. */
const everySeconds = {
  largeDrop: 70,
  rates: 4,
  providerFaults: 4,
  killStack: 13,
  pauseStack: 40,
  killSimulators: 35,
  staleWorker: 9,
} as const;

/** Everything that the soak will do, in order: a function of the plan alone. */
export function planSchedule(plan: SchedulePlan): Moment[] {
  const random = new SeededRandom(`soak ${plan.seed}`);
  const repeat = (meanSeconds: number, action: () => Action): Moment[] =>
    randomTimes(random, plan.chaosMs, meanSeconds).map((atMs) => ({ atMs, action: action() }));
  const moments = [
    ...drops(random, plan),
    ...repeat(everySeconds.rates, () => ({ kind: 'fault_rates', rates: randomFaultRates(random) })),
    ...repeat(everySeconds.providerFaults, () => ({
      kind: 'provider_faults',
      faults: randomFaultsByKind(random, plan.hasHostileProviders),
    })),
    ...repeat(everySeconds.killStack, () => ({ kind: 'kill_stack', downMs: random.below(1_500) })),
    ...repeat(everySeconds.pauseStack, () => ({ kind: 'pause_stack', forMs: random.below(7_000) })),
    ...repeat(everySeconds.killSimulators, () => ({ kind: 'kill_simulators', downMs: random.below(2_500) })),
    ...repeat(everySeconds.staleWorker, () => ({ kind: 'stale_worker', livesMs: 2_000 + random.below(12_000) })),
  ];
  return moments.toSorted((left, right) => left.atMs - right.atMs);
}

/** Moments with exponentially distributed gaps, as independent events have them. */
function randomTimes(random: SeededRandom, untilMs: number, meanSeconds: number): number[] {
  const times: number[] = [];
  for (let atMs = gapMs(random, meanSeconds); atMs < untilMs; atMs += gapMs(random, meanSeconds)) times.push(atMs);
  return times;
}

function gapMs(random: SeededRandom, meanSeconds: number): number {
  return Math.round(-Math.log(1 - random.next()) * meanSeconds * 1_000);
}

function drops(random: SeededRandom, plan: SchedulePlan): Moment[] {
  const small = randomTimes(random, plan.chaosMs, plan.dropEverySeconds);
  const large = plan.hasLargeDrops ? randomTimes(random, plan.chaosMs, everySeconds.largeDrop) : [];
  return [
    ...small.flatMap((atMs, number) => {
      const drop = randomDrop(random, number, deadlineSeconds(random, plan, atMs));
      return [{ atMs, action: { kind: 'drop' as const, drop } }, ...aftermath(random, drop, atMs)];
    }),
    ...large.map((atMs, number): Moment => {
      const drop = largeDrop(random, number, deadlineSeconds(random, plan, atMs));
      return { atMs, action: { kind: 'drop', drop } };
    }),
  ];
}

/** What its user does about a drop later on. */
function aftermath(random: SeededRandom, drop: PlannedDrop, atMs: number): Moment[] {
  const later: Moment[] = [];
  if (random.next() < 0.15) later.push({ atMs: atMs + random.below(12_000), action: { kind: 'cancel', drop } });
  if ('idempotency-key' in drop.options && random.next() < 0.7)
    later.push({ atMs: atMs + random.below(8_000), action: { kind: 'drop_again', drop } });
  return later;
}

/** Some batches have to end soon, the others some time after the chaos. */
function deadlineSeconds(random: SeededRandom, plan: SchedulePlan, atMs: number): number {
  if (random.next() < 0.12) return 3 + random.below(22);
  return 5 + (plan.chaosMs - atMs + random.next() * plan.slackMs) / 1_000;
}
