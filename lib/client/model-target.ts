import { batchProviderKinds } from '../providers/config.ts';
import { Router } from '../providers/routing.ts';
import { InvalidInputError } from '../records/errors.ts';
import { NotSupportedError } from './errors.ts';
import type { TargetOptions } from './target.ts';

/**
 * Finds the provider by the model where nothing else names it.
 *
 * @throws NotSupportedError for a model that is known to be of none.
 */
export function routedByModel<Options extends TargetOptions>(model: string, options: Options): Options {
  if (options.provider !== undefined || options.deployment !== undefined || process.env.BATCHDROP_URL) return options;
  const { route } = router.route(model);
  if (route) return { ...options, provider: route.provider };
  throw new NotSupportedError(
    `No provider is known for the model '${model}'. Pass provider, or write it as in 'openai/${model}'; there are ${new Intl.ListFormat('en').format(batchProviderKinds)}.`,
  );
}

/** @throws InvalidInputError for a run that nothing would come of. */
export function assertNoDryRun({ providerOptions = {} }: TargetOptions): void {
  if ('dry_run' in providerOptions && providerOptions.dry_run === true)
    throw new InvalidInputError('invalid_option', 'A dry run has no results: call estimateBatch() for its report.', {
      param: 'providerOptions.dry_run',
    });
}

const router = new Router(
  { providers: Object.fromEntries(batchProviderKinds.map((kind) => [kind, { kind, models: [] }])) },
  undefined,
);
