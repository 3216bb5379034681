import { InvalidInputError } from '../records/errors.ts';
import { optionMeantBy } from '../records/option-names.ts';
import { optionNames } from '../records/options.ts';

/** Names of members; a type tells whether one is forgotten. */
type Names<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Refuses a member that nobody would read, such as a limit that is called otherwise.
 *
 * @throws InvalidInputError `invalid_option`
 */
export function assertKnownOptions<Options extends object>(options: Options, known: Names<Required<Options>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw unknownOption(unknown, Object.keys(known));
}

function unknownOption(name: string, known: readonly string[]): InvalidInputError {
  const meant = optionMeantBy(name, optionNames);
  const hint =
    meant === null
      ? `There are ${known.join(', ')}.`
      : `Did you mean the option '${meant}' of a deployment? Those stand in providerOptions: { ${meant}: ... }.`;
  return new InvalidInputError('invalid_option', `'${name}' is no option here. ${hint}`, { param: name });
}

/** Members of a creation's body that are no options of the batch. */
const otherMembers = ['custom_llm_provider'];

/**
 * Refuses what a deployment would not read, in `providerOptions` of a creation.
 *
 * @throws InvalidInputError `invalid_option`
 */
export function assertDeploymentOptions(providerOptions: object): void {
  const known = [...optionNames, ...otherMembers];
  const unknown = Object.keys(providerOptions).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = optionMeantBy(unknown, optionNames);
  const hint = meant === null ? `There are ${known.join(', ')}.` : `Did you mean '${meant}'?`;
  const message = `providerOptions: a deployment has no option '${unknown}'. ${hint}`;
  throw new InvalidInputError('invalid_option', message, { param: `providerOptions.${unknown}` });
}
