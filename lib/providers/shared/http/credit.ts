/** Payment Required. */
const paymentRequired = 402;

/** Codes by which an account says that it cannot pay. Source: OpenAI's batch guide and page on errors, read 2026-11. */
const codes: ReadonlySet<string> = new Set(['billing_hard_limit_reached', 'insufficient_quota', 'billing_error']);

/**
 * What others say in words, under other statuses. Sources, in this order: Anthropic, bespokelabsai/curator#296; xAI,
 * continuedev/continue#10373; Fireworks, FerroxLabs/wayland#545; Gemini, dyad-sh/dyad#3626.
 */
const words: readonly RegExp[] = [
  /\bcredit balance is too low\b/i,
  /\bused all available credits\b/i,
  /\bmonthly spending limit\b/i,
  /\bprepayment credits are depleted\b/i,
  /\binsufficient (?:credits?|balance|funds)\b/i,
];

/** Whether a refusal says that the account cannot pay: nothing was done, and work goes on once somebody has paid. */
export function isOutOfCredit(refusal: { status: number | null; code: string; message: string }): boolean {
  return (
    refusal.status === paymentRequired ||
    codes.has(refusal.code) ||
    words.some((pattern) => pattern.test(refusal.message))
  );
}
