import type { UsageRow } from '../../../lib/client/deployment/replies.ts';
import { sumOfRows } from '../../../lib/client/deployment/usage-sums.ts';
import { counted, dollarsText } from '../../format/numbers.ts';

interface Day {
  day: string;
  usd: number;
  simulatedUsd: number;
}

const barWidth = 12;
const height = 140;
/** Beyond these the bars would be thinner than a pixel. */
const maxDays = 400;

/** A bar for each day: what was spent, and above it what was simulated. */
export function DayChart({ rows, from, to }: { rows: readonly UsageRow[]; from: string; to: string }) {
  const days = daysOf(rows, from, to);
  const most = Math.max(...days.map(({ usd, simulatedUsd }) => usd + simulatedUsd), 0.000_001);
  const tall = (usd: number) => (usd / most) * (height - 2);
  const spent = days.filter(({ usd, simulatedUsd }) => usd + simulatedUsd > 0);
  const highest = spent.toSorted((left, right) => right.usd + right.simulatedUsd - left.usd - left.simulatedUsd)[0];
  const said = `Spending on ${counted(spent.length, 'day')} of ${days.length}${highest ? `, most on ${highest.day}: ${dollarsText(highest.usd + highest.simulatedUsd)}` : ''}.`;
  return (
    <figure class="days">
      <p class="muted scale">{dollarsText(most)}</p>
      <svg
        class="chart"
        viewBox={`0 0 ${days.length * barWidth} ${height}`}
        role="img"
        aria-label={said}
        preserveAspectRatio="none"
      >
        {days.map(({ day, usd, simulatedUsd }, index) => (
          <g key={day}>
            <title>{`${day}: ${dollarsText(usd)}${simulatedUsd > 0 ? `, and ${dollarsText(simulatedUsd)} simulated` : ''}`}</title>
            <rect class="hover" x={index * barWidth} y={0} width={barWidth} height={height} />
            <rect
              class="spent"
              x={index * barWidth + 2}
              y={height - tall(usd)}
              width={barWidth - 4}
              height={tall(usd)}
            />
            <rect
              class="simulated"
              x={index * barWidth + 2}
              y={height - tall(usd) - tall(simulatedUsd)}
              width={barWidth - 4}
              height={tall(simulatedUsd)}
            />
          </g>
        ))}
      </svg>
      <p class="axis muted">
        <span>{days.at(0)?.day}</span>
        <span>{days.at(-1)?.day}</span>
      </p>
      {days.some(({ simulatedUsd }) => simulatedUsd > 0) && (
        <p class="legend muted">
          <span class="swatch" /> spent <span class="swatch simulated" /> simulated, which nobody pays
        </p>
      )}
    </figure>
  );
}

function daysOf(rows: readonly UsageRow[], from: string, to: string): Day[] {
  const byDay = new Map(
    [...Map.groupBy(rows, ({ group }) => group.day ?? '')].map(([day, own]) => [day, sumOfRows(own)]),
  );
  const days: Day[] = [];
  const end = Date.parse(to);
  for (let time = Date.parse(from); time <= end && days.length < maxDays; time += 86_400_000) {
    const day = new Date(time).toISOString().slice(0, 10);
    const sum = byDay.get(day);
    days.push({ day, usd: sum?.usd ?? 0, simulatedUsd: sum?.simulated_usd ?? 0 });
  }
  return days;
}
