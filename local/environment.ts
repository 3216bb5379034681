/**
 * Sets variables of this process, from which handlers and SDK clients read where everything is.
 *
 * @param values undefined removes the variable.
 * @returns a function that puts back what stood there before.
 */
export function setEnvironment(values: Record<string, string | undefined>): () => void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  assign(values);
  return () => assign(before);
}

function assign(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
