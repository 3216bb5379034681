import { expect, it } from 'vitest';
import { createOutcome } from '../../lib/providers/shared/http/create-outcome.ts';
import { uploadFailure } from '../../lib/providers/shared/http/upload-failure.ts';

function answered(status: number, error: object, message: string): Error {
  return Object.assign(new Error(message), { status, error });
}

it.each([
  ['402', answered(402, {}, 'Payment Required')],
  [
    "Anthropic's 400",
    answered(
      400,
      {
        error: {
          type: 'invalid_request_error',
          message: 'Your credit balance is too low to access the Anthropic API.',
        },
      },
      '400 {"type":"error","error":{"type":"invalid_request_error"}}',
    ),
  ],
  ["OpenRouter's words", answered(403, {}, '403 Insufficient credits. Add more.')],
  ["Google's status before them", answered(400, {}, 'FAILED_PRECONDITION: Your prepayment credits are depleted.')],
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

it.each([
  'requests.3: too much',
  "requests.3: messages: 'Your credit balance is too low to access the site' is not allowed",
  'Invalid prompt: you have insufficient quota',
  'The value "insufficient credits" is none of the known ones.',
  'A message says: used all available credits, monthly spending limit',
  'Your team said: either used all available credits or reached its monthly spending limit',
  "Insufficient balance in 'the fields' of the schema",
])('any other 400 is a refusal, also where it quotes a request: %s', async (message) => {
  const error = answered(400, { code: 'invalid_request' }, message);
  const create = () => Promise.reject(error);

  expect(await createOutcome('The provider', create)).toMatchObject({ outcome: 'refused', code: 'invalid_request' });
  expect(uploadFailure(error, 'Uploading')).toMatchObject({ outcome: 'refused', code: 'invalid_request' });
});

it.each([
  [500, { code: 'insufficient_quota' }],
  [503, { code: 'token_limit_exceeded' }],
  [502, { code: 'idempotency_conflict' }],
])('a server in trouble proves nothing by what it says: %i %j', async (status, error) => {
  const create = () => Promise.reject(answered(status, error, 'Your prepayment credits are depleted.'));

  expect(await createOutcome('The provider', create)).toMatchObject({ outcome: 'unknown' });
});
