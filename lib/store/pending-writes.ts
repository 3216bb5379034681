/** What a write asks its caller to wait for; undefined, and so no promise for each of millions of lines, mostly. */
export type PendingWrite = Promise<unknown> | undefined;

/** Waits for those that must be waited for. */
export function allOf(first: PendingWrite, second: PendingWrite): PendingWrite {
  return first && second ? Promise.all([first, second]) : (first ?? second);
}
