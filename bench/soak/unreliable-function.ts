import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import type { FunctionHandler, LocalContext } from '../../local/function-invoker.ts';
import type { SeededRandom } from '../../simulators/seeded-random.ts';
import type { FaultRates } from './fault-rates.ts';

/** How Lambda calls it when a function's process ends. */
class FunctionDiedError extends Error {
  override readonly name = 'Lambda.Unknown';
}

/** How Lambda calls it when a function's time is up. */
class FunctionTimedOutError extends Error {
  override readonly name = 'Sandbox.Timedout';
}

/**
 * A function's time, and so its lease on a shard: as short as a submit can do with, which leaves 15 s after a create to
 * write down what became of it, so that others take over within the soak.
 */
export const functionMs = 19_000;

interface Surroundings {
  random: SeededRandom;
  rates(): FaultRates;
  /** Told of every trouble that is made. */
  tell(trouble: string): void;
}

/** A handler that dies, is doubled, comes late or outlives its own death, at the rates of the moment. */
export function unreliable(name: FunctionName, reliable: FunctionHandler, here: Surroundings): FunctionHandler {
  const handler = name === 'prepare' || name === 'finalize' ? leavingCheckpoints(name, reliable, here) : reliable;
  return async (event, context) => {
    const { random, tell } = here;
    const rates = here.rates();
    if (name === 'intake') await delayEvent(rates, here);
    if (random.next() < (name === 'intake' ? rates.eventDoubled : rates.doubled)) {
      tell(name === 'intake' ? 'event doubled' : 'function doubled');
      callAgain(handler, event, context, here);
    }
    const roll = random.next();
    if (roll < rates.dies) return die(handler, event, context, here);
    if (roll < rates.dies + rates.outlives) return outlive(handler, event, context, here);
    return inTime(handler, event, context);
  };
}

const unfinishedSchema = z.object({ done: z.literal(false), nextRound: z.literal(false).optional() });

/** The time that a function without a lease is told it has; it may be more than it really has. */
const muchTimeMs = 600_000;

/** With the soak's time alone, every run would end with a checkpoint as soon as it got any further. */
function leavingCheckpoints(name: FunctionName, handler: FunctionHandler, here: Surroundings): FunctionHandler {
  const { random, tell } = here;
  return async (event, context) => {
    const moreMs = random.next() < 0.6 ? muchTimeMs : 0;
    const getRemainingTimeInMillis = () => context.getRemainingTimeInMillis() + moreMs;
    const answer = await handler(event, { ...context, getRemainingTimeInMillis });
    if (unfinishedSchema.safeParse(answer).success) tell(`${name} left a checkpoint`);
    return answer;
  };
}

async function delayEvent(rates: FaultRates, { random, tell }: Surroundings): Promise<void> {
  if (random.next() >= rates.eventLate) return;
  tell('event delayed');
  await sleep(random.below(rates.eventDelayMs));
}

/** A second call with the same event, at once or a little later; what it comes to is nobody's concern. */
function callAgain(handler: FunctionHandler, event: unknown, context: LocalContext, { random }: Surroundings): void {
  const laterMs = random.next() < 0.5 ? 0 : random.below(3_000);
  void sleep(laterMs)
    .then(() => inTime(handler, event, context))
    .catch(() => undefined);
}

async function die(
  handler: FunctionHandler,
  event: unknown,
  context: LocalContext,
  here: Surroundings,
): Promise<never> {
  const isBefore = here.random.next() < 0.5;
  here.tell(isBefore ? 'function died before its work' : 'function died after its work');
  if (!isBefore) await inTime(handler, event, context);
  throw new FunctionDiedError('The process exited before completing the request.');
}

/** Whoever called it goes on as though it were dead, and it goes on too. */
async function outlive(
  handler: FunctionHandler,
  event: unknown,
  context: LocalContext,
  here: Surroundings,
): Promise<unknown> {
  const patienceMs = here.random.below(1_500);
  const work = inTime(handler, event, context);
  const death = sleep(patienceMs).then(() => {
    throw new FunctionTimedOutError('Task timed out.');
  });
  work.catch(() => undefined);
  death.catch(() => undefined);
  const isOver = work.then(
    () => true,
    () => true,
  );
  void Promise.race([isOver, sleep(patienceMs).then(() => false)]).then((isInTime) => {
    if (!isInTime) here.tell('function outlived its death');
  });
  return Promise.race([work, death]);
}

/** Runs a handler within the soak's short time for functions. */
async function inTime(handler: FunctionHandler, event: unknown, context: LocalContext): Promise<unknown> {
  const endsAtMs = Date.now() + functionMs;
  const timeout = AbortSignal.timeout(functionMs);
  const timedOut = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () => reject(new FunctionTimedOutError('Task timed out.')), { once: true });
  });
  const call = handler(event, {
    ...context,
    getRemainingTimeInMillis: () => Math.max(0, endsAtMs - Date.now()),
    signal: AbortSignal.any([context.signal, timeout]),
  });
  call.catch(() => undefined);
  timedOut.catch(() => undefined);
  return Promise.race([call, timedOut]);
}
