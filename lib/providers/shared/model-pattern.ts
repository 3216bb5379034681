/**
 * Whether a model's name fits a pattern, in which `*` stands for any characters. Its pieces are looked for one after the
 * other, in time that grows with the name alone: the name comes from a customer.
 */
export function fits(model: string, pattern: string): boolean {
  const [first = '', ...middle] = pattern.split('*');
  const last = middle.pop();
  if (last === undefined) return model === pattern;
  const end = model.length - last.length;
  if (end < first.length || !model.startsWith(first) || !model.endsWith(last)) return false;
  let at = first.length;
  for (const piece of middle) {
    const found = model.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= end;
}
