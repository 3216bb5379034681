import { expect, it } from 'vitest';
import { batchObjectSchema, providerBatchFrom } from '../../lib/providers/openai-family/batch-object.ts';
import { createOutcome } from '../../lib/providers/shared/http/create-outcome.ts';
import { uploadFailure } from '../../lib/providers/shared/http/upload-failure.ts';

function answered(status: number, error: object, message: string): Error {
  return Object.assign(new Error(message), { status, error });
}

const lowCredit =
  '400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}';

it.each([
  ['402', answered(402, {}, 'Payment Required')],
  ["Anthropic's 400", answered(400, { error: { type: 'invalid_request_error' } }, lowCredit)],
  [
    "xAI's words",
    answered(403, {}, 'Your team a has either used all available credits or reached its monthly spending limit.'),
  ],
  [
    "Fireworks' words",
    answered(412, {}, 'Account a is suspended, possibly due to reaching the monthly spending limit.'),
  ],
  ["Gemini's words", answered(400, {}, 'Your prepayment credits are depleted.')],
  ["OpenAI's code", answered(400, { code: 'billing_hard_limit_reached' }, 'Billing hard limit has been reached.')],
])('an account that cannot pay is waited for, at creation and upload: %s', async (_name, error) => {
  const outcome = await createOutcome('The provider', async () => {
    throw error;
  });

  const deferred = { outcome: 'deferred', message: expect.stringMatching(/./), retryAfterSeconds: null };
  expect(outcome).toEqual(deferred);
  expect(uploadFailure(error, 'Uploading')).toEqual(deferred);
});

it('any other 400 is a refusal', async () => {
  const error = answered(400, { code: 'invalid_request' }, 'requests.3: too much');

  expect(
    await createOutcome('The provider', async () => {
      throw error;
    }),
  ).toMatchObject({ outcome: 'refused', code: 'invalid_request' });
});

it.each([
  [{ total: 8, completed: 0, failed: 0 }, null, true],
  [null, null, true],
  [{ total: 8, completed: 3, failed: 0 }, null, false],
  [{ total: 8, completed: 0, failed: 0 }, 'file-1', false],
])(
  'a batch that failed for want of credit is sent again only if nothing of it ran: %j',
  (counts, file, isQueueFull) => {
    const errors = { data: [{ code: 'billing_hard_limit_reached', message: 'Billing hard limit has been reached.' }] };
    const batch = { id: 'a', status: 'failed', errors, request_counts: counts, output_file_id: file };

    expect(providerBatchFrom(batchObjectSchema.parse(batch), 'OpenAI').failure).toEqual({
      code: 'billing_hard_limit_reached',
      message: 'Billing hard limit has been reached.',
      isQueueFull,
    });
  },
);
