/** Whose body a model takes in InvokeModel. */
export type BodyFamily = 'claude';

/**
 * @param model a model's id, an inference profile's (`us.anthropic.claude-...`), or an ARN that ends with either.
 * @returns null for a model whose body we do not write.
 */
export function bodyFamilyOf(model: string): BodyFamily | null {
  const id = model.slice(model.lastIndexOf('/') + 1);
  return /^(?:[a-z-]+\.)?anthropic\.claude-/.test(id) ? 'claude' : null;
}
