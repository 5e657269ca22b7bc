/** Use over time: a bar for each day, or each week where the days are too many. */
import type { Schema } from "../api/client";
import { locale, number, text } from "../text";

type Entry = Schema["EntryView"];

const DAY_MS = 86_400_000;
/** Most bars that can be told apart on a phone. */
const MOST = 62;
/** Fewest days that are shown, so that a bar is a bar on the first day too. */
const FEWEST = 28;
const HEIGHT = 120;

interface Bar {
  at: number;
  spent: number;
}

/** What was spent in each stretch of days from the first to the last. */
export function bars(entries: readonly Entry[], from: number, to: number): Bar[] {
  const [begun = to] = entries.slice(0, 1).map(({ at }) => midnight(Date.parse(at)));
  const first = Math.max(from, Math.min(begun, midnight(to - (FEWEST - 1) * DAY_MS)));
  const days = Math.max(1, Math.ceil((to - first) / DAY_MS));
  const stretch = Math.ceil(days / MOST) * DAY_MS;
  const all = Array.from({ length: Math.ceil((days * DAY_MS) / stretch) }, (_, index) => ({
    at: first + index * stretch,
    spent: 0,
  }));
  for (const { at, postings } of entries) {
    const bar = all[Math.floor((Date.parse(at) - first) / stretch)];
    for (const { bucket, amount } of postings) if (bar && bucket === "spent") bar.spent += amount;
  }
  return all;
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

export function Plot({ entries, from, to }: { entries: readonly Entry[]; from: string; to: string }) {
  const t = text.value.credits;
  const all = bars(entries, midnight(Date.parse(from)), Date.parse(to));
  const most = Math.max(1, ...all.map(({ spent }) => spent));
  const total = all.reduce((sum, { spent }) => sum + spent, 0);
  const days = Math.max(1, Math.round((Date.parse(to) - (all[0]?.at ?? 0)) / DAY_MS));
  const format = new Intl.DateTimeFormat(locale.value, { day: "numeric", month: "short" });
  const step = 100 / all.length;
  return (
    <figure class="plot">
      <figcaption class="row apart">
        <strong>{t.spent}</strong>
        <span class="soft small">{t.spentText(total, days)}</span>
      </figcaption>
      <div>
        <span class="plot-most" aria-hidden="true">
          {number(most)}
        </span>
        <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t.spentText(total, days)}>
          {[0.5, 1].map((part) => (
            <line key={part} x1="0" x2="100" y1={HEIGHT * (1 - part) + 0.5} y2={HEIGHT * (1 - part) + 0.5} />
          ))}
          {all.map(({ at, spent }, index) => {
            const height = (spent / most) * HEIGHT;
            return (
              <rect key={at} x={index * step + step * 0.15} width={step * 0.7} y={HEIGHT - height} height={height}>
                <title>{`${format.format(at)}: ${number(spent)}`}</title>
              </rect>
            );
          })}
        </svg>
      </div>
      <div class="row apart small soft" aria-hidden="true">
        <span>{format.format(all[0]?.at)}</span>
        <span>{format.format(Date.parse(to) - 1)}</span>
      </div>
    </figure>
  );
}
