// Sources: docs.fireworks.ai (guides/batch-inference and the API reference), fireworks-ai 1.2 for Python, read 2026-11.

/** Bytes of a file that is uploaded directly; a larger one goes through an upload endpoint. */
export const maxDirectUploadBytes = 150 * 1024 * 1024;
/** Bytes of a dataset. */
export const maxDatasetBytes = 500 * 1024 * 1024;
/** How long a signed URL holds. */
export const signedUrlSeconds = 600;
export const jobLifetimeSeconds = 24 * 60 * 60;
/** The service gives up to 200 jobs in a page, and 50 if it is not asked; fewer here, so that a test need not fill one. */
export const maxPageSize = 20;

const resourceId = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function isResourceId(id: string): boolean {
  return resourceId.test(id);
}

/** Every model has an account, Fireworks' own or a customer's. */
export function isKnownModel(model: string): boolean {
  return /^accounts\/[\w-]+\/models\/[\w.-]+$/.test(model) && !/\b(unknown|no-such)-/.test(model);
}
