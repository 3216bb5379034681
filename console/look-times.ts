/**
 * The pause before the page of a batch that runs is asked for again: soon after its creation it changes by the second, later by the
 * minute.
 *
 * @param ageSeconds of the batch.
 */
export function secondsToNextLook(ageSeconds: number): number {
  return Math.min(Math.max(ageSeconds / 10, 2), 30);
}

/** How often the list asks while a batch in it runs, and while none does. */
export const listSeconds = { running: 3, quiet: 15 };
