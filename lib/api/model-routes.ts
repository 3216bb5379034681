import { Hono } from 'hono';
import { z } from 'zod';
import { type RoutedModel, routedModel, routedModels } from '../service/models.ts';
import type { Page } from '../service/page.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { assertKnownParameters, assertOneCursor, limitParameter, readQuery } from './list-object.ts';

export const modelListQuerySchema = z.object({
  after_id: z.string().optional(),
  before_id: z.string().optional(),
  limit: limitParameter(1_000, 1_000),
});

/** OpenAI's object. */
export const modelSchema = z
  .object({ id: z.string(), object: z.literal('model'), created: z.number().int(), owned_by: z.string() })
  .meta({ id: 'Model' });

export const modelListSchema = z
  .object({ object: z.literal('list'), data: z.array(modelSchema) })
  .meta({ id: 'ModelList' });

/** `/v1/models`, in the form of the client's own API: Anthropic's where it sends its version. */
export function modelRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.get('/', (context) => {
    const models = routedModels(context.var.services);
    if (!asksAsAnthropic(context)) return context.json({ object: 'list', data: models.map(openAIModel) });
    assertKnownParameters(context.req.query(), Object.keys(modelListQuerySchema.shape));
    const page = pageOf(models, readQuery(context.req.query(), modelListQuerySchema));
    const data = page.items.map(anthropicModel);
    const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
    return context.json({ data, has_more: page.hasMore, ...ends });
  });

  routes.get('/:id{.+}', (context) => {
    const model = routedModel(context.var.services, context.req.param('id'));
    return context.json(asksAsAnthropic(context) ? anthropicModel(model) : openAIModel(model));
  });

  return routes;
}

function pageOf(models: RoutedModel[], query: z.output<typeof modelListQuerySchema>): Page<RoutedModel> {
  const { after_id, before_id, limit } = query;
  assertOneCursor(query);
  if (before_id !== undefined) {
    const end = placeOf(models, 'before_id', before_id);
    const start = Math.max(0, end - limit);
    return { items: models.slice(start, end), hasMore: start > 0 };
  }
  const start = after_id === undefined ? 0 : placeOf(models, 'after_id', after_id) + 1;
  return { items: models.slice(start, start + limit), hasMore: start + limit < models.length };
}

/** @throws ApiError 404 for a model that is not in the list. */
function placeOf(models: readonly RoutedModel[], param: string, modelId: string): number {
  const place = models.findIndex(({ id }) => id === modelId);
  if (place >= 0) return place;
  throw new ApiError(404, `${param}: no model '${modelId.slice(0, 100)}' is in this list.`, { param });
}

function asksAsAnthropic({ req }: ApiContext): boolean {
  return req.header('anthropic-version') !== undefined;
}

/** Nobody tells when a model came out. */
const unknownTime = 0;

function openAIModel({ id, account }: RoutedModel): z.infer<typeof modelSchema> {
  return { id, object: 'model', created: unknownTime, owned_by: account };
}

/** Source: @anthropic-ai/sdk 1.11 `ModelInfo`. What is null there is not known here. */
function anthropicModel({ id, account }: RoutedModel) {
  return {
    type: 'model',
    id,
    display_name: `${id} (${account})`,
    created_at: new Date(unknownTime).toISOString(),
    deprecated_at: null,
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: null,
    max_tokens: null,
    retires_at: null,
  };
}
