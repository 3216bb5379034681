/**
 * How long each function may run, in seconds. CDK deploys these, the local runtime keeps to them, and every Task of
 * the state machine waits 30 s longer, so that the function's own end is seen first.
 *
 * Steps that stream files get Lambda's maximum, 900 s; they checkpoint before it. Poll only asks providers. The API ends
 * before its gateway gives up, which is after 30 s.
 */
export const functionTimeoutSeconds = {
  intake: 60,
  prepare: 900,
  submit: 900,
  poll: 120,
  collect: 900,
  finalize: 900,
  sweep: 300,
  api: 29,
} as const;

export type FunctionName = keyof typeof functionTimeoutSeconds;

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(functionTimeoutSeconds, name);
}
