import { Hono } from 'hono';
import { z } from 'zod';
import { expiresAfterSchema } from '../records/options.ts';
import { maxPartBytes, maxParts, maxUploadBytes, recommendedPartBytes } from '../records/upload-limits.ts';
import {
  cancelUpload,
  completeUpload,
  createUpload,
  getUpload,
  IncomingPart,
  type UploadState,
} from '../service/uploads.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { partObject, uploadObject } from './file-object.ts';
import { receiveForm } from './form.ts';
import { missing } from './issue-text.ts';
import { readBody } from './request-body.ts';

export const createUploadBodySchema = z
  .object({
    filename: z.string().min(1).max(255),
    purpose: z.literal('batch'),
    bytes: z.number().int().min(1).max(maxUploadBytes),
    mime_type: z.string().max(255),
    expires_after: expiresAfterSchema.optional(),
  })
  .meta({ id: 'CreateUploadRequest' });

export const addPartFormSchema = z
  .object({ data: z.string().meta({ format: 'binary', description: 'At most 64 MB; 4 MiB pass every gateway' }) })
  .meta({ id: 'AddUploadPartRequest' });

export const completeUploadBodySchema = z
  .object({
    part_ids: z.array(z.string().max(100)).min(1).max(maxParts).describe('In the order of the file'),
    md5: z
      .string()
      .regex(/^[0-9a-f]{32}$/i, 'an MD5 in hexadecimal')
      .optional()
      .describe('Of the whole file, in hexadecimal'),
  })
  .meta({ id: 'CompleteUploadRequest' });

/** `/v1/uploads` */
export function uploadRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.post('/', async (context) => {
    const { services, tenant } = context.var;
    const { body } = await readBody(context, createUploadBodySchema);
    const { filename, bytes, expires_after } = body;
    const fileLifeSeconds = expires_after?.seconds ?? null;
    return answer(context, await createUpload(services, { tenant, filename, bytes, fileLifeSeconds }));
  });

  routes.post('/:uploadId/parts', async (context) => {
    const { services, settings } = context.var;
    const receiver = new IncomingPart(services, await requestedUpload(context));
    const maxBytes = Math.min(settings.maxFileBytes, maxPartBytes);
    const form = await receiveForm(context, { field: 'data', receiver, maxBytes, tooLarge });
    if (form.filename === null) throw missing('data');
    return context.json(partObject(await receiver.commit()));
  });

  routes.post('/:uploadId/complete', async (context) => {
    const upload = await requestedUpload(context);
    const { body } = await readBody(context, completeUploadBodySchema);
    const completion = { partIds: body.part_ids, md5: body.md5?.toLowerCase() ?? null };
    return answer(context, await completeUpload(context.var.services, upload, completion));
  });

  routes.post('/:uploadId/cancel', async (context) =>
    answer(context, await cancelUpload(context.var.services, await requestedUpload(context))),
  );

  return routes;
}

function requestedUpload(context: ApiContext) {
  return getUpload(context.var.services, context.var.tenant, context.req.param('uploadId') ?? '');
}

function answer(context: ApiContext, state: UploadState): Response {
  return context.json(uploadObject(state, context.var.services.now()));
}

function tooLarge(maxBytes: number): ApiError {
  const partMiB = recommendedPartBytes / 1024 / 1024;
  const message = `The part is larger than the ${maxBytes} bytes that one request may carry here. Send parts of ${partMiB} MiB.`;
  return new ApiError(413, message, { param: 'data', code: 'part_too_large' });
}
