/** The dated model that answers under a short name; a client must not expect its own spelling back. */
const snapshotByModel: Record<string, string> = {
  'gpt-3.5-turbo': 'gpt-3.5-turbo-0125',
  'gpt-4o': 'gpt-4o-2024-08-06',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-4.1': 'gpt-4.1-2025-04-14',
  'gpt-4.1-mini': 'gpt-4.1-mini-2025-04-14',
  'gpt-4.1-nano': 'gpt-4.1-nano-2025-04-14',
  'gpt-5': 'gpt-5-2025-08-07',
  'gpt-5-mini': 'gpt-5-mini-2025-08-07',
  'gpt-5-nano': 'gpt-5-nano-2025-08-07',
  'o3-mini': 'o3-mini-2025-01-31',
  'o4-mini': 'o4-mini-2025-04-16',
};

export function snapshotOf(model: string): string {
  return snapshotByModel[model] ?? model;
}

/** Whether the model thinks before it answers, and so refuses sampling parameters and `max_tokens`. */
export function isReasoningModel(model: string): boolean {
  return /^(o[134](-|$)|gpt-5(?!.*chat))/.test(model);
}
