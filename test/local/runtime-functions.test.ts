import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import {
  type FunctionHandler,
  FunctionInvoker,
  type FunctionInvokerOptions,
  FunctionTimedOutError,
  type LocalContext,
  StoppingError,
} from '../../local/function-invoker.ts';

function invokerOf(handler: FunctionHandler, options: Partial<FunctionInvokerOptions> = {}): FunctionInvoker {
  return new FunctionInvoker({ load: async () => handler, ...options });
}

describe('a function', () => {
  it('gets its event and gives its answer as JSON would carry them', async () => {
    const event = { at: new Date(0), missing: undefined };
    const invoker = invokerOf(async (received) => ({ received, missing: undefined, size: new Set([1]) }));
    expect(await invoker.invoke('poll', event)).toEqual({ received: { at: '1970-01-01T00:00:00.000Z' }, size: {} });
    expect(await invokerOf(async () => undefined).invoke('poll', event)).toBeNull();
  });

  it("knows its name, its request and what is left of its function's time", async () => {
    const contexts: LocalContext[] = [];
    const invoker = invokerOf(async (_event, context) => {
      contexts.push(context);
    });
    await invoker.invoke('poll', {});
    await invoker.invoke('poll', {});
    const [first, second] = contexts;
    expect(first?.functionName).toBe('poll');
    expect(first?.awsRequestId).not.toBe(second?.awsRequestId);
    expect(first?.getRemainingTimeInMillis()).toBeGreaterThan(functionTimeoutSeconds.poll * 1_000 - 5_000);
    expect(first?.getRemainingTimeInMillis()).toBeLessThanOrEqual(functionTimeoutSeconds.poll * 1_000);
  });

  it('fails and is aborted when its time is over', async () => {
    const signals: AbortSignal[] = [];
    const handler: FunctionHandler = (_event, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const invoker = invokerOf(handler, { timeoutSeconds: { ...functionTimeoutSeconds, poll: 0.05 } });
    await expect(invoker.invoke('poll', {})).rejects.toMatchObject({
      name: 'Sandbox.Timedout',
      message: /timed out after 0.05 seconds/,
    });
    expect(signals[0]?.reason).toBeInstanceOf(FunctionTimedOutError);
  });

  it('throws what its handler threw', async () => {
    const error = new Error('as it was');
    await expect(invokerOf(() => Promise.reject(error)).invoke('poll', {})).rejects.toBe(error);
  });

  it('runs beside as many others as allowed; more wait in order, and their time starts when they do', async () => {
    let running = 0;
    let most = 0;
    const order: unknown[] = [];
    const handler: FunctionHandler = async (event, context) => {
      running += 1;
      most = Math.max(most, running);
      order.push(event);
      await sleep(20);
      running -= 1;
      return context.getRemainingTimeInMillis();
    };
    const invoker = invokerOf(handler, { maxConcurrent: 3, timeoutSeconds: { ...functionTimeoutSeconds, poll: 0.5 } });
    const remaining = await Promise.all(Array.from({ length: 30 }, (_, index) => invoker.invoke('poll', index)));
    expect(most).toBe(3);
    expect(order).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(Math.min(...remaining.map(Number))).toBeGreaterThan(300);
  });

  it('goes beside one other at most while drops are taken in, and beside all others afterwards', async () => {
    const started: unknown[] = [];
    const ends = new Map<unknown, () => void>();
    const invoker = invokerOf(async (event) => {
      started.push(event);
      await new Promise<void>((resolve) => ends.set(event, resolve));
    });
    const calls = ['drop 1', 'drop 2', 'a', 'b', 'c', 'd'].map((event) =>
      invoker.invoke(event.startsWith('drop') ? 'intake' : 'submit', event),
    );
    await sleep(1);
    expect(started.toSorted()).toEqual(['a', 'b', 'drop 1', 'drop 2']);
    ends.get('drop 1')?.();
    await calls[0];
    await sleep(1);
    expect(started).not.toContain('c');
    ends.get('drop 2')?.();
    await calls[1];
    await sleep(1);
    expect(started).toEqual(expect.arrayContaining(['c', 'd']));
    for (const end of ends.values()) end();
    await Promise.all(calls);
  });

  it('is loaded once, and again after a load that failed', async () => {
    let loads = 0;
    const invoker = new FunctionInvoker({
      load: async () => {
        loads += 1;
        if (loads === 1) throw new Error('cannot be loaded');
        return async () => loads;
      },
    });
    await expect(invoker.invoke('poll', {})).rejects.toThrow('cannot be loaded');
    expect([await invoker.invoke('poll', {}), await invoker.invoke('poll', {})]).toEqual([2, 2]);
  });

  it('is not called any more after the stop, even if it was waiting', async () => {
    let calls = 0;
    const handler: FunctionHandler = async (_event, { signal }) => {
      calls += 1;
      await sleep(10_000, undefined, { signal });
    };
    const invoker = invokerOf(handler, { maxConcurrent: 1 });
    const both = [invoker.invoke('poll', 1), invoker.invoke('poll', 2)];
    const outcomes = Promise.allSettled(both);
    await sleep(10);
    await invoker.close();
    expect(await outcomes).toMatchObject([
      { status: 'rejected' },
      { status: 'rejected', reason: expect.any(StoppingError) },
    ]);
    expect(calls).toBe(1);
  });
});
