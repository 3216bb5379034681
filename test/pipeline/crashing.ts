import fc from 'fast-check';
import type { Account, Services } from '../../lib/pipeline/services.ts';

class Crash extends Error {}

/** When the function dies: at the n-th call of a store or provider from here, before or after it took effect. */
interface CrashPoint {
  afterCalls: number;
  when: 'before' | 'after';
}

/** Services whose calls kill the function at the given points. Each point strikes once. */
export function crashing(services: Services, points: readonly CrashPoint[]): Services {
  const remaining = [...points];
  let countdown = remaining[0]?.afterCalls ?? Number.POSITIVE_INFINITY;
  const strike = (when: CrashPoint['when']) => {
    if (countdown > 0 || remaining[0]?.when !== when) return;
    remaining.shift();
    countdown = remaining[0]?.afterCalls ?? Number.POSITIVE_INFINITY;
    throw new Crash(`killed ${when} a call`);
  };
  const wrap = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]) => {
          countdown -= 1;
          strike('before');
          const answer: unknown = value.apply(object, values);
          if (!(answer instanceof Promise)) return answer;
          return answer.then((result: unknown) => {
            strike('after');
            return result;
          });
        };
      },
    });
  return {
    ...services,
    records: wrap(services.records),
    budgets: wrap(services.budgets),
    semaphores: wrap(services.semaphores),
    waitingLists: wrap(services.waitingLists),
    objects: wrap(services.objects),
    events: wrap(services.events),
    account: (name): Account => {
      const account = services.account(name);
      return { ...account, client: wrap(account.client) };
    },
  };
}

export const crashPoint: fc.Arbitrary<CrashPoint> = fc.record({
  afterCalls: fc.integer({ min: 1, max: 25 }),
  when: fc.constantFrom('before', 'after'),
});
