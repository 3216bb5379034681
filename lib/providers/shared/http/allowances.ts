/** The time that calls and clocks are given, alike at every provider. */

/** How long a look may take, its retries included. */
export const readTimeoutSeconds = 60;

/** 200 MB at 350 kB/s. */
export const uploadTimeoutSeconds = 600;

/** How far the clock of a provider or of a deployment may be from ours. */
export const clockSkewMs = 300_000;
