/**
 * Texts in a user's message that bring an outcome about, for demos and tests:
 * `[[refuse]]` a 400 for its content, `[[rate-limit]]` a 429, `[[server-error]]` a 500, `[[overloaded]]` a 503 or 529,
 * and `[[decline]]`, a 200 in which the model itself declines.
 */
const triggers = ['refuse', 'rate-limit', 'server-error', 'overloaded', 'decline'] as const;
export type Trigger = (typeof triggers)[number];

export function triggerIn(text: string): Trigger | null {
  if (!text.includes('[[')) return null;
  return triggers.find((trigger) => text.includes(`[[${trigger}]]`)) ?? null;
}
