import type { Batch } from '../../api/batch.ts';
import { counted, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { Section } from '../../parts/notices.tsx';

const maxShown = 100;

/** What validation found wrong with the input, by line; and what it warns of. */
export function InputErrors({ batch }: { batch: Batch }) {
  const errors = batch.errors?.data ?? [];
  const { error_count: count = errors.length, warning_count: warnings = 0, sidecar_warning: sidecar } = batch.batchdrop;
  return (
    <>
      {errors.length > 0 && (
        <Section
          title={errors.some(({ line }) => line !== null) ? 'What is wrong with the input' : 'Why it failed'}
          aside={
            count > errors.length && (
              <span class="muted">
                the first {countText(errors.length)} of {countText(count)}
              </span>
            )
          }
        >
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    Line
                  </th>
                  <th scope="col">What</th>
                  <th scope="col">Code</th>
                </tr>
              </thead>
              <tbody>
                {errors.slice(0, maxShown).map(({ line, message, code, param }, index) => (
                  <tr key={index}>
                    <td class="number">{line === null ? '' : countText(line)}</td>
                    <td>
                      <bdi>{oneLine(message, 600)}</bdi>
                      {param !== null && <small class="muted"> {oneLine(param, 80)}</small>}
                    </td>
                    <td>
                      <code>{oneLine(code, 80)}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Section>
      )}
      {warnings > 0 && (
        <div class="notice warn">
          <strong>{counted(warnings, 'warning')}.</strong> What a provider cannot take, or would most likely refuse. The
          deployment's bucket has them line by line, in <code>{`results/${batch.id}/warnings.jsonl`}</code>.
        </div>
      )}
      {sidecar && <div class="notice warn">{shown(sidecar)}</div>}
    </>
  );
}
