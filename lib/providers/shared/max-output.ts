/**
 * The most tokens that models write for one answer, reasoning included, as their makers publish it; by patterns of names, the first that
 * fits counts. Of a model that is not here its context window is the most.
 */
type MaxOutputTokens = Readonly<Record<string, number>>;

/** Source: https://developers.openai.com/api/docs/models, read 2026-11 for GPT-5.6 and GPT-6; of the older ones from memory. */
export const openAIMaxOutput: MaxOutputTokens = {
  'gpt-5-pro*': 272_000,
  'gpt-5-chat*': 16_384,
  'gpt-5*': 128_000,
  'gpt-6*': 128_000,
  'gpt-4.1*': 32_768,
  'gpt-4.5*': 16_384,
  'gpt-4o-2024-05-13': 4_096,
  'gpt-4o*': 16_384,
  'chatgpt-4o*': 16_384,
  'gpt-4-turbo*': 4_096,
  'gpt-4-*preview': 4_096,
  'gpt-4': 8_192,
  'gpt-4-0*': 8_192,
  'gpt-3.5-turbo*': 4_096,
  'o1-preview*': 32_768,
  'o1-mini*': 65_536,
  'o1*': 100_000,
  'o3*': 100_000,
  'o4*': 100_000,
  '*gpt-oss-*': 131_072,
};

/** The newest's, which no model passes. Source: https://platform.claude.com/docs/en/about-claude/models/overview, read 2026-11. */
export const claudeMaxOutput: MaxOutputTokens = { '*claude*': 128_000 };

/** Source: https://ai.google.dev/gemini-api/docs/models, from memory. */
export const geminiMaxOutput: MaxOutputTokens = {
  'gemini-1*': 8_192,
  'gemini-2.0*': 8_192,
  'gemini-2.5-flash-image*': 32_768,
  'gemini-*': 65_536,
};

/** None is published: the context windows. Source: https://docs.mistral.ai/getting-started/models, from memory; an answer that is longer decides. */
export const mistralMaxOutput: MaxOutputTokens = {
  'codestral*': 262_144,
  'devstral*': 262_144,
  'mistral-large*': 262_144,
  'mistral-medium*': 262_144,
  '*': 131_072,
};

/** Of numbers that differ between the models' cards (5K, 64K) and AWS's posts (10K, 65K) the larger, read 2026-11; Premier's from memory. */
export const bedrockMaxOutput: MaxOutputTokens = {
  ...claudeMaxOutput,
  '*nova-premier*': 32_000,
  '*nova-2*': 65_536,
  '*nova-*': 10_000,
};
