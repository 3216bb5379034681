/** Payment Required. */
const paymentRequired = 402;

/** Codes by which an account says that it cannot pay. Source: OpenAI's batch guide and page on errors, read 2026-11. */
const codes: ReadonlySet<string> = new Set(['billing_hard_limit_reached', 'insufficient_quota', 'billing_error']);

/**
 * Sentences of others that have no code for it. Each stands at the beginning of what the provider says: a message that quotes a
 * request may hold such words anywhere. Sources, in this order: Anthropic, bespokelabsai/curator#296; xAI,
 * continuedev/continue#10373; Fireworks, FerroxLabs/wayland#545; Gemini, dyad-sh/dyad#3626; DeepSeek and OpenRouter, which say it
 * with 402 as well.
 */
const sentences: readonly RegExp[] = [
  /^Your credit balance is too low to access\b/i,
  /^Your team \S{1,100} has either used all available credits or reached its monthly spending limit\b/i,
  /^Account \S{1,100} is suspended, possibly due to reaching the monthly spending limit\b/i,
  /^Your prepayment credits are depleted\b/i,
  /^Insufficient (?:credits?|balance|funds)(?:[.!]|$)/i,
];

/** What clients and services write in front of a provider's words: a status, and a word for it. */
const prefix = /^(?:\d{3}:? )?(?:[A-Z][A-Z_]{2,40}: )?/;

/**
 * Whether a refusal says that the account cannot pay: nothing was done, and work goes on once somebody has paid.
 *
 * @param refusal.status null for a batch that failed. An error of the server's own (500 and above) proves nothing, whatever it says.
 */
export function isOutOfCredit(refusal: { status: number | null; code: string; message: string }): boolean {
  const { status, code, message } = refusal;
  if (status !== null && status >= 500) return false;
  if (status === paymentRequired || codes.has(code)) return true;
  const said = message.replace(prefix, '');
  return sentences.some((sentence) => sentence.test(said));
}
