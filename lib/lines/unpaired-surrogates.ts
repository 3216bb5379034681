/** An escape of half a surrogate pair; input is valid UTF-8, so nothing else can bring a half that stands alone. */
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/** Whether a JSON text is worth the look: most have no such escape, and are passed over quickly. */
export function mayHoldSurrogates(text: string): boolean {
  return text.includes('\\u') && surrogateEscape.test(text);
}

/**
 * Whether a parsed value holds half of a surrogate pair alone, in a text or in a name: as a text has that was cut inside an
 * emoji. It has no form in UTF-8, and services refuse the JSON that holds it. However deep the value is, the stack is not.
 */
export function holdsUnpairedSurrogate(value: unknown): boolean {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string' && !next.isWellFormed()) return true;
    if (typeof next !== 'object' || next === null) continue;
    for (const [name, member] of Object.entries(next)) {
      if (!name.isWellFormed()) return true;
      if (typeof member === 'string' || typeof member === 'object') left.push(member);
    }
  }
  return false;
}
