/** Whether a name holds a text, or is one as a whole, with or without its folder, in which `*` stands for any characters. */
export function isNamedLike(name: string, wanted: string): boolean {
  return isLike(name, wanted) || isLike(fileIn(name), wanted);
}

function isLike(name: string, wanted: string): boolean {
  const [first = '', ...others] = wanted.toLowerCase().split('*');
  const text = name.toLowerCase();
  if (others.length === 0) return text.includes(first);
  const last = others.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of others) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= text.length - last.length;
}

/** A name without its folder. */
export function fileIn(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
