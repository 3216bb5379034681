import type { Report } from '../../api/batch.ts';
import { bytesText, counted, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { Dollars } from '../../parts/batch-marks.tsx';
import { Section } from '../../parts/notices.tsx';

/** What validation found before anything was sent: where requests go, tokens, cost, and what was assumed. */
export function ReportSection({ report, isDryRun }: { report: Report; isDryRun: boolean }) {
  const { assumptions = [], routingNotes = [], isOutputBound = false } = report;
  return (
    <Section
      title={isDryRun ? 'What it would send' : 'What was planned'}
      aside={<span class="muted">before anything was sent</span>}
    >
      <dl class="facts small">
        <div class="fact">
          <dt>Requests</dt>
          <dd>
            <strong>{countText(report.lines)}</strong>
            {report.invalidLines > 0 && <small class="bad-text">{counted(report.invalidLines, 'invalid line')}</small>}
          </dd>
        </div>
        <div class="fact">
          <dt>Tokens in, about</dt>
          <dd>
            <strong>{countText(report.estimatedInputTokens)}</strong>
          </dd>
        </div>
        <div class="fact">
          <dt>Tokens out, {isOutputBound ? 'at most' : 'about'}</dt>
          <dd>
            <strong>{countText(report.estimatedOutputTokens)}</strong>
          </dd>
        </div>
        <div class="fact">
          <dt>Cost, about</dt>
          <dd>
            <strong>
              <Dollars cost={report.estimatedCost} isEstimate />
            </strong>
          </dd>
        </div>
      </dl>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Provider</th>
              <th scope="col">Model</th>
              <th scope="col">Endpoint</th>
              <th scope="col" class="number">
                Requests
              </th>
              <th scope="col" class="number">
                Shards
              </th>
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {report.shards.map(({ provider, model, endpoint, requests, shards, bytes }) => (
              <tr key={`${provider} ${model} ${endpoint}`}>
                <td>{provider}</td>
                <td>
                  <bdi>{oneLine(model, 80)}</bdi>
                </td>
                <td>{endpoint}</td>
                <td class="number">{countText(requests)}</td>
                <td class="number">{countText(shards)}</td>
                <td class="number">{bytesText(bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {[...assumptions, ...routingNotes].map((sentence) => (
        <p key={sentence} class="muted">
          {shown(sentence)}
        </p>
      ))}
    </Section>
  );
}
