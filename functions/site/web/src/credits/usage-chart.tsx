/** A bar chart of used credits: a bar for each day, or for several days where a phone could not show so many bars. */
import { locale, number, text } from "../text";
import type { LedgerEntry } from "./statement";

const DAY_MS = 86_400_000;
/** The most bars that can be told apart on a phone. */
const MAX_BARS = 62;
/** The fewest days that are shown, so that the bars of a new account are not too wide. */
const MIN_DAYS = 28;
const HEIGHT = 120;

interface Bar {
  at: number;
  spent: number;
}

/** Sums up the spent credits per bar between two times, in milliseconds. */
export function usageBars(entries: readonly LedgerEntry[], from: number, to: number): Bar[] {
  const [begun = to] = entries.slice(0, 1).map(({ at }) => startOfDay(Date.parse(at)));
  const first = Math.max(from, Math.min(begun, startOfDay(to - (MIN_DAYS - 1) * DAY_MS)));
  const days = Math.max(1, Math.ceil((to - first) / DAY_MS));
  const span = Math.ceil(days / MAX_BARS) * DAY_MS;
  const bars = Array.from({ length: Math.ceil((days * DAY_MS) / span) }, (_, index) => ({
    at: first + index * span,
    spent: 0,
  }));
  for (const { at, postings } of entries) {
    const bar = bars[Math.floor((Date.parse(at) - first) / span)];
    for (const { bucket, amount } of postings) if (bar && bucket === "spent") bar.spent += amount;
  }
  return bars;
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

export function UsageChart({ entries, from, to }: { entries: readonly LedgerEntry[]; from: string; to: string }) {
  const t = text.value.credits;
  const bars = usageBars(entries, startOfDay(Date.parse(from)), Date.parse(to));
  const max = Math.max(1, ...bars.map(({ spent }) => spent));
  const total = bars.reduce((sum, { spent }) => sum + spent, 0);
  const days = Math.max(1, Math.round((Date.parse(to) - (bars[0]?.at ?? 0)) / DAY_MS));
  const format = new Intl.DateTimeFormat(locale.value, { day: "numeric", month: "short" });
  const step = 100 / bars.length;
  const summary = t.usageTotal(total, days);
  return (
    <figure class="usage-chart">
      <figcaption class="row spread">
        <strong>{t.usageByDay}</strong>
        <span class="muted small">{summary}</span>
      </figcaption>
      <div>
        <span class="usage-chart-max" aria-hidden="true">
          {number(max)}
        </span>
        <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
          {[0.5, 1].map((part) => (
            <line key={part} x1="0" x2="100" y1={HEIGHT * (1 - part) + 0.5} y2={HEIGHT * (1 - part) + 0.5} />
          ))}
          {bars.map(({ at, spent }, index) => {
            const height = (spent / max) * HEIGHT;
            return (
              <rect key={at} x={index * step + step * 0.15} width={step * 0.7} y={HEIGHT - height} height={height}>
                <title>{`${format.format(at)}: ${number(spent)}`}</title>
              </rect>
            );
          })}
        </svg>
      </div>
      <div class="row spread small muted" aria-hidden="true">
        <span>{format.format(bars[0]?.at)}</span>
        <span>{format.format(Date.parse(to) - 1)}</span>
      </div>
    </figure>
  );
}
