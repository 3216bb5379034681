/** One right that a call of AWS needs, as IAM names it. */
export interface Need {
  /** Such as `s3:GetObject`. */
  action: string;
  /** An ARN. */
  resource: string;
  /** Values of condition keys that the call has, such as `events:source`. */
  conditions?: Record<string, string>;
}

/** The rights of those who call the local servers. `npm start` has none of it: whoever calls may do everything. */
export interface Permissions {
  /** @param caller the access key id that signed the call. */
  allow(caller: string, need: Need): boolean;
  /** Told of each call that is refused, and of the right that it lacks. */
  refused(caller: string, need: Need): void;
}

/** @returns the right that the caller lacks, after telling the permissions of it, or null where the call may go on. */
export function firstLacking(permissions: Permissions, caller: string, needs: readonly Need[]): Need | null {
  const lacking = needs.find((need) => !permissions.allow(caller, need)) ?? null;
  if (lacking) permissions.refused(caller, lacking);
  return lacking;
}

/**
 * @param query of a presigned URL, whose rights are those of its signer.
 * @returns the access key id that signed a request; empty where nobody did.
 */
export function callerOf(authorization: string | undefined, query = new URLSearchParams()): string {
  const signed = authorization?.match(/Credential=([^,]*?)(?:\/\d{8})?\/[^/]+\/[^/]+\/aws4_request/)?.[1];
  const presigned = query.get('X-Amz-Credential')?.split('/').slice(0, -4).join('/');
  return signed ?? presigned ?? '';
}

/** How a service words a refusal. */
export function refusalText(caller: string, { action, resource }: Need): string {
  return `User: ${caller} is not authorized to perform: ${action} on resource: "${resource}"`;
}
