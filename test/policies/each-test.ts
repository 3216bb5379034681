import { afterAll, afterEach } from 'vitest';
import { noteUsed, takeRefusals } from './permissions.ts';

/** A call that the stack's policies refuse fails the test that made it, whatever became of the call. */
afterEach(() => {
  const refused = takeRefusals();
  if (refused.length > 0) throw new Error(`Refused by the stack's policies:\n${[...new Set(refused)].join('\n')}`);
});

afterAll(noteUsed);
