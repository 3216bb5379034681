import { TransientError } from '../../../records/errors.ts';
import { callError } from './failed-call.ts';

/**
 * The bytes of a download, as they come.
 *
 * @param what names it in errors.
 * @param knownBytes its length where something else than the answer tells it.
 * @throws TransientError where it breaks off, or ends before the length that was promised.
 */
export async function* verifiedDownload(
  response: Response,
  what: string,
  knownBytes: number | null = null,
): AsyncGenerator<Uint8Array> {
  const promised = knownBytes ?? promisedBytes(response.headers);
  let received = 0;
  try {
    for await (const chunk of response.body ?? []) {
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw callError(`${what} broke off after ${received} bytes`, error);
  }
  if (promised !== null && received !== promised)
    throw new TransientError(`${what} ended after ${received} of ${promised} bytes.`);
}

/** @returns null where the length is unknown, or that of what was compressed on the way. */
function promisedBytes(headers: Headers): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}
