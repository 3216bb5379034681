import { objectOf } from '../../lines/foreign-json.ts';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { batchLineForm } from '../shared/http/batch-line-form.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { accountOf } from './account.ts';
import { usageFrom } from './result.ts';

/** The endpoints behind Mistral's batches, called directly. Source: https://docs.mistral.ai/api/ */
export function connectLiveMistral(settings: ConnectionSettings): LiveClient {
  const keyed = accountOf(settings);
  return {
    call: ({ line, endpoint, model, signal }) => {
      const { lineId, body } = partsOf(line, 'body');
      const posted = { body: withModel(body, model), contentType: 'application/json' };
      return liveAnswer(form, lineId, () =>
        keyed.call(({ post }) => post(endpoint.slice(1), posted, signal), isUnknownKey),
      );
    },
  };
}

/** A batch's model stands with its job, so the body has none; it is never empty. */
function withModel(body: Buffer, model: string): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from(`{"model":${JSON.stringify(model)},`), body.subarray(1)]);
}

const form = batchLineForm((body) => usageFrom(objectOf(body.usage))?.total_tokens ?? null);
