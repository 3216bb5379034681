/** Whether a model's name fits a pattern, in which `*` stands for any characters. */
export function fits(model: string, pattern: string): boolean {
  const escaped = pattern.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(model);
}
