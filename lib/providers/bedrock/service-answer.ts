import { z } from 'zod';
import { ProviderAuthenticationError } from '../../records/errors.ts';
import { failedCall, isKeyRefusal } from '../shared/http/failed-call.ts';
import { statusOf } from './result.ts';

/** What the AWS SDK throws for an answer of 400 or more. */
const serviceErrorSchema = z.object({
  name: z.string().min(1),
  message: z.string().catch(''),
  $metadata: z.object({ httpStatusCode: z.number().int().min(400) }),
  $response: z
    .object({ headers: z.record(z.string(), z.string()) })
    .optional()
    .catch(undefined),
});

/** Too many jobs or calls at present; Bedrock answers the former with 400. Source: @aws-sdk/client-bedrock 3.1164. */
const laterNames: ReadonlySet<string> = new Set(['ServiceQuotaExceededException', 'ThrottlingException']);

/** Bedrock's refusal of a call, with the members by which `failedCall` knows one. */
class ServiceAnswer extends Error {
  override readonly name = 'ServiceAnswer';
  readonly status: number;
  readonly headers: Headers;
  readonly error: { code: string };

  constructor({ name, message, $metadata, $response }: z.infer<typeof serviceErrorSchema>, cause: unknown) {
    super(message || name, { cause });
    this.status = laterNames.has(name) ? 429 : statusOf($metadata.httpStatusCode);
    this.headers = new Headers($response?.headers);
    this.error = { code: name };
  }
}

/** @returns what was thrown as a ServiceAnswer if it is one, else as it is. */
function withServiceAnswer(error: unknown): unknown {
  const answer = serviceErrorSchema.safeParse(error);
  return answer.success ? new ServiceAnswer(answer.data, error) : error;
}

/**
 * Makes a call whose refusals say what they mean.
 *
 * @param needed permissions that our role must have for it.
 * @throws ProviderAuthenticationError where our role may not.
 */
export async function explainedCall<Result>(name: string, needed: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (thrown) {
    const error = withServiceAnswer(thrown);
    if (!isKeyRefusal(error)) throw error;
    const message = `Provider ${name} refused the call: ${failedCall(error).message} The role of Batchdrop's functions needs ${needed}; give it. Batches that run go on by themselves; one that failed for it is to be submitted again.`;
    throw new ProviderAuthenticationError(message, { cause: error });
  }
}
