export type Publisher = 'google' | 'anthropic';

/** Whose model it is; null for any whose requests are not known here. */
export function publisherOf(model: string): Publisher | null {
  if (model.startsWith('gemini-')) return 'google';
  return model.startsWith('claude-') ? 'anthropic' : null;
}
