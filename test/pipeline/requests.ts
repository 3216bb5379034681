/** Request lines for tests, as a user would write them. */
export function chatLine(customId: string, text = `Say ${customId}`, model = 'gpt-5-mini'): string {
  const body = { model, messages: [{ role: 'user', content: text }] };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body });
}

export function claudeLine(customId: string, text = `Say ${customId}`): string {
  return chatLine(customId, text, 'claude-sonnet-4-5');
}

export function nativeLine(customId: string, text = `Say ${customId}`): string {
  const params = { model: 'claude-sonnet-4-5', max_tokens: 100, messages: [{ role: 'user', content: text }] };
  return JSON.stringify({ custom_id: customId, params });
}

export function embeddingLine(customId: string, input = `Embed ${customId}`): string {
  const body = { model: 'text-embedding-3-small', input, dimensions: 8 };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/embeddings', body });
}

export function fileOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

export function numbered(count: number, line: (customId: string) => string): string[] {
  return Array.from({ length: count }, (_, place) => line(`request-${place}`));
}
