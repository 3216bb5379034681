/** Tokens that one answered request used. */
export interface TokenUsage {
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  reasoningTokens: number;
}

/** About four characters make a token in English. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
