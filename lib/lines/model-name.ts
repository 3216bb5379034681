/**
 * Bytes of a model's name. It stands in records, of which DynamoDB takes 400 KB, in paths and in messages. The longest names
 * that are known, ARNs of Bedrock's inference profiles, have some 250.
 */
export const maxModelBytes = 512;

/** A segment that a URL would resolve: a model named `x/../y` must not lead a call to another path of its provider. */
const climbing = /(^|\/)\.{1,2}(\/|$)/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const unprintable = /[\u0000-\u001f\u007f\\\ud800-\udfff]/;

/** The last name that was found good: lines that follow each other mostly name the same model. */
let lastGood = '';

/** @returns what is wrong with a model's name, to stand behind the name of the parameter; null for one that may be sent. */
export function modelNameProblem(name: string): string | null {
  if (name === lastGood) return null;
  const problem = examineName(name);
  if (problem === null) lastGood = name;
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
