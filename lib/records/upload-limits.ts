/** An upload holds at most 8 GB. Source: OpenAI's API reference, read 2026-11. */
export const maxUploadBytes = 8 * 1024 * 1024 * 1024;
/** A part holds at most 64 MB. Same source. */
export const maxPartBytes = 64 * 1024 * 1024;
/** What fits through API Gateway and Lambda: 6 MB of event, of which base64 takes a quarter. */
export const recommendedPartBytes = 4 * 1024 * 1024;
/** 8 GB in parts of 1 MB; a list of so many is 2 MB of JSON. */
export const maxParts = 8_192;
