import { stripVTControlCharacters, styleText } from 'node:util';
import { costText } from '../output/cost-text.ts';
import { printable } from '../output/printable.ts';
import { counted, countText, durationText } from '../output/quantities.ts';
import { outputWidth } from '../output/table.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';
import { nextSteps, type Step } from './next-steps.ts';

const maxShownErrors = 10;

/**
 * A batch in a few lines: how it is, why, and what can be done next.
 *
 * @param isFetched whether its results were written to files just now.
 */
export function stateText(state: BatchState, isFetched = false): string {
  const steps = stepLines(nextSteps(state, isFetched));
  return [
    headlineWithin(state, outputWidth()),
    ...facts(state),
    ...errorLines(state),
    ...(steps.length === 0 ? [] : ['', ...steps]),
  ].join('\n');
}

/** `✔ batch_... completed in 12 s: 5 of 6 answered, 1 failed` */
export function headline(state: BatchState): string {
  const name = state.isDryRun ? `dry run ${state.handle}` : state.handle;
  const sentence = `${printable(name)} ${state.status}${timeTaken(state)}`;
  const counts = countsText(state);
  return `${mark(state)} ${styleText('bold', sentence)}${counts === '' ? '' : `: ${counts}`}`;
}

/** The headline, with its counts on a line of their own where a terminal is too narrow for one. */
export function headlineWithin(state: BatchState, width: number): string {
  const line = headline(state);
  const counts = countsText(state);
  if (counts === '' || stripVTControlCharacters(line).length <= width) return line;
  return `${line.slice(0, -counts.length).trimEnd()}\n  ${counts}`;
}

function mark(state: BatchState): string {
  if (!hasBatchEnded(state)) return styleText('cyan', '●');
  if (state.status !== 'completed') return styleText('red', '✖');
  return state.counts.failed > 0 ? styleText('yellow', '!') : styleText('green', '✔');
}

function timeTaken(state: BatchState): string {
  const [first, last] = [state.moments.at(0), state.moments.at(-1)];
  if (!first || !last || first === last || !hasBatchEnded(state)) return '';
  return ` in ${durationText(last.at - first.at)}`;
}

export function countsText({ counts: { total, completed, failed } }: BatchState): string {
  if (total === 0) return '';
  const failures = failed === 0 ? '' : `, ${countText(failed)} failed`;
  return `${countText(completed)} of ${countText(total)} answered${failures}`;
}

function facts(state: BatchState): string[] {
  return [...waitingText(state), ...spentText(state), ...estimateText(state), ...warningText(state)].map(
    (text) => `  ${text}`,
  );
}

/** `waits since 12 min 4 s, tried 3 times, next in 40 s: Rate limit reached` */
export function waitingText({ waiting }: BatchState): string[] {
  if (waiting === null) return [];
  const now = Date.now() / 1_000;
  const next =
    waiting.nextAt === null || waiting.nextAt <= now ? '' : `, next in ${durationText(waiting.nextAt - now)}`;
  const tries = waiting.tries === 0 ? '' : `, tried ${counted(waiting.tries, 'time')}`;
  const since = `waits since ${durationText(now - waiting.since)}${tries}${next}`;
  return [styleText('yellow', `${since}: ${printable(waiting.reason)}`)];
}

export function spentText({ tokens, cost }: BatchState): string[] {
  if (!tokens || tokens.input + tokens.output === 0) return [];
  return withPrice(`${countText(tokens.input)} tokens in, ${countText(tokens.output)} out`, costText(cost));
}

/** On one line where a terminal of 80 columns has room for it, with what stands before it. */
function withPrice(tokens: string, price: string): string[] {
  const line = `${tokens}: ${price}`;
  return line.length <= 76 ? [line] : [`${tokens}:`, `  ${price}`];
}

/** What a dry run is for. */
export function estimateText({ isDryRun, validation }: BatchState): string[] {
  if (!isDryRun || !validation) return [];
  const { usd, unpriced } = validation.estimatedCost;
  const price =
    usd === null
      ? `no price is known for ${unpriced.map(printable).join(', ')}`
      : `about ${costText(validation.estimatedCost)}`;
  const tokens = `about ${countText(validation.estimatedInputTokens)} tokens in, ${validation.isOutputBound ? 'at most' : 'about'} ${countText(validation.estimatedOutputTokens)} out`;
  const invalid = validation.invalidLines === 0 ? '' : `, ${counted(validation.invalidLines, 'invalid line')}`;
  const rests = validation.assumptions.map(printable);
  return [...withPrice(`${counted(validation.lines, 'request')}${invalid}; ${tokens}`, price), ...rests];
}

export function warningText({ warningCount, sidecarWarning }: BatchState): string[] {
  const warnings =
    warningCount === 0
      ? []
      : [`${counted(warningCount, 'warning')}: what a provider cannot take, or would most likely refuse`];
  return sidecarWarning === null ? warnings : [...warnings, printable(sidecarWarning)];
}

/** What validation found wrong. */
export function errorLines({ errors, errorCount }: BatchState): string[] {
  const shown = errors.slice(0, maxShownErrors).map(({ line, code, message }) => {
    const place = line === null ? '' : `line ${countText(line)}: `;
    return `  ${place}${printable(message)} ${styleText('dim', printable(code))}`;
  });
  const hidden = errorCount - shown.length;
  return hidden > 0 ? [...shown, `  and ${counted(hidden, 'more error')}`] : shown;
}

export function stepLines(steps: readonly Step[]): string[] {
  return steps.flatMap(({ does, command }) => [`  ${styleText('dim', `# ${does}`)}`, `  ${command}`]);
}
