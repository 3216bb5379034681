/** Payment Required. */
const paymentRequired = 402;

/** Codes by which an account says that it cannot pay. Source: OpenAI's batch guide and page on errors, read 2026-11. */
const codes: ReadonlySet<string> = new Set(['billing_hard_limit_reached', 'insufficient_quota', 'billing_error']);

/** Anthropic says it in words, under a 400. Source: bespokelabsai/curator#296. */
const words = /\bcredit balance is too low\b/i;

/** Whether a refusal says that the account cannot pay: nothing was done, and work goes on once somebody has paid. */
export function isOutOfCredit(refusal: { status: number | null; code: string; message: string }): boolean {
  return refusal.status === paymentRequired || codes.has(refusal.code) || words.test(refusal.message);
}
