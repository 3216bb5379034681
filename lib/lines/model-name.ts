/**
 * Bytes of a model's name. It stands in records, of which DynamoDB takes 400 KB, in paths and in messages. The longest names
 * that are known, ARNs of Bedrock's inference profiles, have some 250.
 */
export const maxModelBytes = 512;

/** A segment that a URL would resolve: a model named `x/../y` must not lead a call to another path of its provider. */
const climbing = /(^|\/)\.{1,2}(\/|$)/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const unprintable = /[\u0000-\u001f\u007f\\\ud800-\udfff]/;

/** Names that were found good: the lines of a file name few models. */
const good = new Set<string>();
const maxKnown = 100;

/** @returns what is wrong with a model's name, to stand behind the name of the parameter; null for one that may be sent. */
export function modelNameProblem(name: string): string | null {
  if (good.has(name)) return null;
  const problem = examineName(name);
  // A copy, since a part of a line keeps all of it in memory.
  if (problem === null && good.size < maxKnown) good.add(Buffer.from(name).toString());
  return problem;
}

function examineName(name: string): string | null {
  const bytes = Buffer.byteLength(name);
  if (bytes > maxModelBytes) return `has ${bytes} bytes; at most ${maxModelBytes} are accepted`;
  if (climbing.test(name)) return "has a part that is '.' or '..', which no model's name has";
  if (unprintable.test(name))
    return 'has a control character, a backslash or half a character, which no model has in its name';
  return null;
}
