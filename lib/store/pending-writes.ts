/** What the caller of a write must await. It is mostly undefined, so that millions of lines make no promise each. */
export type PendingWrite = Promise<unknown> | undefined;

/** Joins two writes into one to await. */
export function allOf(first: PendingWrite, second: PendingWrite): PendingWrite {
  return first && second ? Promise.all([first, second]) : (first ?? second);
}
