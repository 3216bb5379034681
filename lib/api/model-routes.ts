import { Hono } from 'hono';
import { z } from 'zod';
import { type RoutedModel, routedModel, routedModels } from '../service/models.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { limitParameter, readQuery } from './list-object.ts';

export const modelListQuerySchema = z.object({
  after_id: z.string().optional(),
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
    const { after_id, limit } = readQuery(context.req.query(), modelListQuerySchema);
    const start = after_id === undefined ? 0 : models.findIndex(({ id }) => id === after_id) + 1;
    const data = models.slice(start, start + limit).map(anthropicModel);
    const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
    return context.json({ data, has_more: start + limit < models.length, ...ends });
  });

  routes.get('/:id{.+}', (context) => {
    const model = routedModel(context.var.services, context.req.param('id'));
    return context.json(asksAsAnthropic(context) ? anthropicModel(model) : openAIModel(model));
  });

  return routes;
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
