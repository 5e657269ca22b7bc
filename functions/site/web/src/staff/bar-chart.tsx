/** Bars by day: one or two series beside each other. */
import { locale } from "../text";
import "../credits/credits.css";

const HEIGHT = 120;

/** `12 Nov`, of a day such as `2026-11-12` */
export const dayName = (day: string) =>
  new Intl.DateTimeFormat(locale.value, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));

interface Series {
  name: string;
  /** One for each day. */
  values: readonly number[];
}

interface ChartProperties {
  title: string;
  /** What the bars add up to, in words. */
  summary: string;
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
}

export function BarChart({ title, summary, days, series, format }: ChartProperties) {
  const max = Math.max(1, ...series.flatMap(({ values }) => values));
  const step = 100 / Math.max(1, days.length);
  const width = (step * 0.8) / Math.max(1, series.length);
  return (
    <figure class="usage-chart">
      <figcaption class="row spread">
        <strong>{title}</strong>
        <span class="muted small">{summary}</span>
      </figcaption>
      <div>
        <span class="usage-chart-max" aria-hidden="true">
          {format(max)}
        </span>
        <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${summary}`}>
          {[0.5, 1].map((part) => (
            <line key={part} x1="0" x2="100" y1={HEIGHT * (1 - part) + 0.5} y2={HEIGHT * (1 - part) + 0.5} />
          ))}
          {days.flatMap((day, index) =>
            series.map(({ name, values }, place) => {
              const value = values[index] ?? 0;
              const height = (Math.max(0, value) / max) * HEIGHT;
              return (
                <rect
                  key={`${day} ${name}`}
                  class={place === 1 ? "second" : undefined}
                  x={index * step + step * 0.1 + width * place}
                  width={width}
                  y={HEIGHT - height}
                  height={height}
                >
                  <title>{`${dayName(day)}: ${name} ${format(value)}`}</title>
                </rect>
              );
            }),
          )}
        </svg>
      </div>
      <div class="row spread small muted" aria-hidden="true">
        <span>{dayName(days[0] ?? "")}</span>
        {series.length > 1 && (
          <span class="row">
            {series.map(({ name }, place) => (
              <span key={name}>
                <i class={place === 1 ? "usage-chart-key second" : "usage-chart-key"} /> {name}
              </span>
            ))}
          </span>
        )}
        <span>{dayName(days.at(-1) ?? "")}</span>
      </div>
    </figure>
  );
}
