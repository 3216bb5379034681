import { Hono } from 'hono';
import { z } from 'zod';
import { fileLinkSchema as linkSchema } from '../records/file-link.ts';
import { expiresAfterSchema } from '../records/options.ts';
import { recommendedPartBytes } from '../records/upload-limits.ts';
import { fileContent, fileLink } from '../service/file-content.ts';
import { deleteFile, getFile, IncomingFile, listFiles } from '../service/files.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { redirect, sendDownload } from './download.ts';
import { fileObject } from './file-object.ts';
import { type ReceivedForm, receiveForm } from './form.ts';
import { invalidRequest, missing } from './issue-text.ts';
import { limitParameter, listObject, readKnownQuery, readQuery } from './list-object.ts';
import { revalidated } from './revalidated.ts';

export const fileListQuerySchema = z.object({
  purpose: z.string().optional(),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional(),
  limit: limitParameter(10_000, 10_000),
});

export const fileLinkQuerySchema = z.object({
  merged_bytes: z.coerce
    .number()
    .int()
    .optional()
    .describe('Set by the redirects while the parts of a file are merged'),
});

export const fileLinkSchema = z.object(linkSchema.shape).meta({ id: 'FileLink' });

/** Fields of a form are texts, those of an object named as in `expires_after[seconds]`. */
const fileFormSchema = z.object({
  purpose: z.literal(['batch']),
  expires_after: z
    .object({
      anchor: expiresAfterSchema.shape.anchor,
      seconds: z.coerce.number().pipe(expiresAfterSchema.shape.seconds),
    })
    .optional(),
});

/** What the form of a new file holds, for the description of the API. */
export const createFileFormSchema = z
  .object({
    file: z.string().meta({ format: 'binary', description: 'A .jsonl file' }),
    purpose: z.literal('batch'),
    expires_after: expiresAfterSchema.optional(),
  })
  .meta({ id: 'CreateFileRequest' });

export const deletedFileSchema = z
  .object({ id: z.string(), object: z.literal('file'), deleted: z.boolean() })
  .meta({ id: 'DeletedFile' });

/** `/v1/files` */
export function fileRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.post('/', async (context) => {
    const { services, settings } = context.var;
    const receiver = new IncomingFile(services);
    const form = await receiveForm(context, { field: 'file', receiver, maxBytes: settings.maxFileBytes, tooLarge });
    return context.json(fileObject(await commit(context, receiver, form)));
  });

  routes.get('/', revalidated, async (context) => {
    const { services, tenant } = context.var;
    const page = await listFiles(services, tenant, readQuery(context.req.query(), fileListQuerySchema));
    return context.json(listObject(page, fileObject));
  });

  routes.get('/:fileId', async (context) => context.json(fileObject(await requestedFile(context))));

  routes.get('/:fileId/content', async (context) => {
    const { services, settings } = context.var;
    const { maxContentBytes: maxBytes, mergeBudgetMs } = settings;
    const content = await fileContent(services, await requestedFile(context), { maxBytes, mergeBudgetMs });
    return 'mergedBytes' in content
      ? redirect(context, pathToItself('content', content.mergedBytes))
      : sendDownload(context, content);
  });

  routes.get('/:fileId/link', async (context) => {
    readKnownQuery(context.req.query(), fileLinkQuerySchema);
    const { services, settings } = context.var;
    const link = await fileLink(services, await requestedFile(context), settings.mergeBudgetMs);
    return 'mergedBytes' in link ? redirect(context, pathToItself('link', link.mergedBytes)) : context.json(link);
  });

  routes.delete('/:fileId', async (context) => {
    const { id } = await requestedFile(context);
    await deleteFile(context.var.services, context.var.tenant, id);
    return context.json({ id, object: 'file', deleted: true } satisfies z.input<typeof deletedFileSchema>);
  });

  return routes;
}

/**
 * The same route again, where merging goes on: every client that downloads follows redirects, 20 of them at least, and
 * none need know of parts. Relative, so that it holds behind whatever name and path the API has.
 */
function pathToItself(route: 'content' | 'link', mergedBytes: number): string {
  return `${route}?merged_bytes=${mergedBytes}`;
}

function requestedFile(context: ApiContext) {
  return getFile(context.var.services, context.var.tenant, context.req.param('fileId') ?? '');
}

/** The form's fields may come after its file, so they are looked at when all is there; what is refused leaves nothing. */
async function commit(context: ApiContext, file: IncomingFile, form: ReceivedForm) {
  try {
    if (form.filename === null) throw missing('file');
    const { expires_after } = readFields(form.fields);
    const filename = form.filename;
    return await file.commit({ tenant: context.var.tenant, filename, lifeSeconds: expires_after?.seconds ?? null });
  } catch (error) {
    await file.abort();
    throw error;
  }
}

function readFields(fields: Record<string, string>): z.output<typeof fileFormSchema> {
  const { purpose, 'expires_after[anchor]': anchor, 'expires_after[seconds]': seconds } = fields;
  const given = { purpose, ...((anchor ?? seconds) !== undefined && { expires_after: { anchor, seconds } }) };
  const result = fileFormSchema.safeParse(given);
  if (!result.success) throw invalidRequest(result.error, given);
  return result.data;
}

function tooLarge(maxBytes: number): ApiError {
  const partMiB = recommendedPartBytes / 1024 / 1024;
  const message = `The file is larger than the ${maxBytes} bytes that one request may carry here. Send it in parts through /v1/uploads, of ${partMiB} MiB each.`;
  return new ApiError(413, message, { param: 'file', code: 'file_too_large' });
}
