/** Lines over the last ten minutes, or as long as the page is open, and bars for what happened in each step of them. */
import { html, svg, type TemplateResult } from 'lit-html';
import { rateText } from './text.ts';

export interface Line {
  readonly name: string;
  readonly tone: 'first' | 'second';
  /** Oldest first. */
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

const WIDTH = 600;
const HEIGHT = 100;
const LONGEST_MS = 600_000;
const SHORTEST_MS = 120_000;
const MINUTE_MS = 60_000;

/** How far back a plot goes: to the first sample, in whole minutes. */
export function plotSpanMs(sinceMs: number | undefined, nowMs: number): number {
  const wholeMs = Math.ceil((nowMs - (sinceMs ?? nowMs)) / MINUTE_MS) * MINUTE_MS;
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, wholeMs));
}

export interface Times {
  readonly nowMs: number;
  readonly spanMs: number;
}

export function linePlot(label: string, lines: readonly Line[], { nowMs, spanMs }: Times): TemplateResult {
  const most = Math.max(0, ...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const top = niceTop(most);
  const x = (atMs: number) => (WIDTH * (1 - Math.min(1, (nowMs - atMs) / spanMs))).toFixed(1);
  const y = (value: number) => (HEIGHT * (1 - value / top)).toFixed(1);
  const pathOf = ({ points }: Line) => points.map(({ atMs, value }) => `${x(atMs)},${y(value)}`).join(' ');
  const now = lines.map(({ name, points }) => `${rateText(points.at(-1)?.value ?? 0)} ${name}`).join(', ');
  return html`<figure class="plot">
    <div class="plot-scale" aria-hidden="true"><span>${rateText(top)}</span><span>${rateText(top / 2)}</span><span>0</span></div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}: now ${now}; most ${rateText(most)}">
      ${[0, HEIGHT / 2, HEIGHT].map((at) => svg`<line class="plot-grid" x1="0" x2=${WIDTH} y1=${at} y2=${at} />`)}
      ${lines.map((line) => area(line, pathOf(line), x))}
    </svg>
    <div class="plot-times" aria-hidden="true"><span>${spanMs / MINUTE_MS} min ago</span><span>now</span></div>
  </figure>`;
}

function area(line: Line, path: string, x: (atMs: number) => string) {
  const [first] = line.points;
  const last = line.points.at(-1);
  if (first === undefined || last === undefined) return svg``;
  return svg`
    <polygon class="plot-area is-${line.tone}" points="${x(first.atMs)},${HEIGHT} ${path} ${x(last.atMs)},${HEIGHT}" />
    <polyline class="plot-line is-${line.tone}" points=${path} />`;
}

const MIN_TOP = 4;
const NICE = [1, 2, 4, 5, 10];

/** The next round number. */
function niceTop(most: number): number {
  if (most <= MIN_TOP) return MIN_TOP;
  const power = 10 ** Math.floor(Math.log10(most));
  return (NICE.find((factor) => factor * power >= most) ?? 10) * power;
}

export interface Bars {
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** One kind of thing above the line and one below. */
export function barPlot(label: string, { up, down }: Bars): TemplateResult {
  const top = Math.max(MIN_TOP, ...up, ...down);
  const step = WIDTH / up.length;
  const half = HEIGHT / 2;
  const bar = (value: number, index: number, isUp: boolean) => {
    const height = Math.max(value > 0 ? 3 : 0, (value / top) * half);
    return svg`<rect class=${isUp ? 'bar-up' : 'bar-down'} x=${(index * step + 1).toFixed(1)} width=${(step - 2).toFixed(1)}
      y=${(isUp ? half - height : half).toFixed(1)} height=${height.toFixed(1)} />`;
  };
  const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
  return html`<figure class="plot is-bars">
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="${label}: ${sum(up)} joins, ${sum(down)} refusals in the same time">
      ${up.map((value, index) => bar(value, index, true))}${down.map((value, index) => bar(value, index, false))}
      <line class="plot-grid" x1="0" x2=${WIDTH} y1=${half} y2=${half} />
    </svg>
  </figure>`;
}
