// What can go wrong, and what to do about it. The timeout is short here, so that it is reached.
import {
  AuthenticationError,
  batchResults,
  InvalidInputError,
  OutcomeUnknownError,
  RateLimitError,
  runBatch,
  TimeoutError,
  waitForBatch,
} from 'batchdrop';

const requests = [{ messages: [{ role: 'user' as const, content: 'Hello' }] }];

try {
  await runBatch('openai/gpt-4o-mini', requests, { timeoutSeconds: 3, pollIntervalSeconds: 0.2 });
} catch (error) {
  if (error instanceof InvalidInputError) for (const { line, message } of error.errors) console.log(line, message);
  else if (error instanceof AuthenticationError) console.log('Check the key:', error.message);
  else if (error instanceof RateLimitError) console.log(`Come again in ${error.retryAfterSeconds ?? 60} s.`);
  else if (error instanceof OutcomeUnknownError) console.log('Look before sending again:', error.candidates);
  else if (error instanceof TimeoutError && error.batchId) await readWhatWasFinished(error.batchId);
  else throw error;
}

/** The timeout cancelled the batch; what was finished before is kept. */
async function readWhatWasFinished(batchId: string): Promise<void> {
  await waitForBatch({ provider: 'openai', batchId });
  for await (const { customId, succeeded } of batchResults({ provider: 'openai', batchId }))
    console.log(customId, succeeded ? 'was finished' : 'was not');
}
