// Source: Anthropic's batch guide and API reference, read 2026-11.

/** Requests in one batch. */
export const maxRequests = 100_000;
/** Bytes of one creation's body. */
export const maxBodyBytes = 256 * 1024 * 1024;
export const batchLifetimeMs = 24 * 60 * 60 * 1000;
export const customIdPattern = /^[a-zA-Z0-9_-]{1,64}$/;
/** From this version on, sampling parameters are refused for every model. */
export const firstVersionWithoutSampling = '2026-10-21';

export function isKnownModel(model: string): boolean {
  return /^claude-[a-z0-9.@-]+$/.test(model);
}

/** Whether a model came after Opus 4.6, and so refuses a temperature other than 1 under every version. */
export function refusesTemperature(model: string): boolean {
  const version = /^claude-[a-z]+-(\d{1,2})(?:-(\d{1,2}))?(?:-\d{8})?$/.exec(model);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2] ?? 0)];
  return major > 4 || (major === 4 && minor > 6);
}

/** Whether a model refuses a `tool_choice` that forces a call. Source: the pages of what is new in Opus 5.5, Sonnet 5.5 and Fable 5.2. */
export function refusesForcedTools(model: string): boolean {
  return /^claude-(?:(?:opus|sonnet)-5-5|(?:fable|mythos)-5-[12])(?:-\d{8})?$/.test(model);
}

/** Whether a model refuses an assistant message at the end. Source: the page of errors, prefill-not-supported. */
export function refusesPrefill(model: string): boolean {
  return /^claude-[a-z]+-(?:4-[6-9]|[5-9])(?:-|$)/.test(model);
}

/** Whether a model takes system messages behind one of the user. Source: the page on mid-conversation system messages. */
export function takesLaterSystem(model: string): boolean {
  return /^claude-(?:opus-4-8|opus-5|(?:fable|mythos)-5)/.test(model);
}
