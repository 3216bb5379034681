import { S3Error } from './errors.ts';

/** Seven days. Source: S3 API reference, "Authenticating requests: using query parameters". */
const maxExpirySeconds = 604_800;

/**
 * Asks for credentials of any kind and refuses expired presigned URLs.
 *
 * Signatures are not verified: the server is reachable from this machine only and knows no secrets.
 *
 * @throws S3Error AccessDenied, AuthorizationQueryParametersError
 */
export function authorize(authorization: string | undefined, query: URLSearchParams, now: number): void {
  const expiresAt = presignedExpiry(query);
  if (expiresAt === undefined && authorization === undefined) {
    throw new S3Error('AccessDenied', 'Access Denied');
  }
  if (expiresAt !== undefined && now >= expiresAt) {
    throw new S3Error('AccessDenied', 'Request has expired');
  }
}

export function isPresigned(query: URLSearchParams): boolean {
  return query.has('X-Amz-Signature') || query.has('Signature');
}

/** @returns a Unix timestamp (in milliseconds), or undefined for a request that is not presigned. */
function presignedExpiry(query: URLSearchParams): number | undefined {
  if (query.has('X-Amz-Signature')) {
    return parseSignedAt(query.get('X-Amz-Date')) + parseExpirySeconds(query.get('X-Amz-Expires')) * 1000;
  }
  if (query.has('Signature')) {
    return Number(query.get('Expires')) * 1000;
  }
  return undefined;
}

function parseSignedAt(date: string | null): number {
  const iso = date?.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z') ?? '';
  const signedAt = Date.parse(iso);
  if (Number.isNaN(signedAt)) {
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Date must be in the ISO8601 Long Format');
  }
  return signedAt;
}

function parseExpirySeconds(expires: string | null): number {
  const seconds = Number(expires ?? Number.NaN);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > maxExpirySeconds) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires must be a number from 0 to ${maxExpirySeconds}`,
    );
  }
  return seconds;
}

/**
 * Refuses what a web page of another origin sends to change something: a browser sends such requests without asking, and
 * signatures are not verified here.
 *
 * @param origin the header of that name; browsers send it with every request of a page that may change something.
 * @throws S3Error AccessDenied
 */
export function assertOwnOrigin(method: string, origin: string | undefined, host: string): void {
  const reads = method === 'GET' || method === 'HEAD';
  if (reads || origin === undefined || origin === `http://${host}`) return;
  throw new S3Error('AccessDenied', `The local S3 server takes no writes from pages of another origin (${origin}).`);
}
