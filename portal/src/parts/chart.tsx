// A line chart of the last minutes, and its newest values in words.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { compact, rate } from '../format';
import { type Second, seconds_kept } from '../live';

export interface Line { label: string; colour: '--line-1' | '--line-2' | '--bad'; of: (second: Second) => number | null }
interface Charted { title: string; unit: string; lines: Line[]; seconds: Second[] }

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function plot(into: HTMLElement, { lines }: Charted): uPlot {
  const axis: uPlot.Axis = { stroke: () => colour('--soft'), grid: { stroke: () => colour('--edge'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
  const clock = (at: number): string => new Date(at * 1000).toLocaleTimeString('en-GB');
  return new uPlot({
    width: Math.max(200, into.clientWidth), height: 150, legend: { show: false }, cursor: { show: false }, padding: [8, 8, 0, 0],
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.15)] } },
    axes: [{ ...axis, space: 90, size: 28, values: (_, at) => at.map(clock) }, { ...axis, size: 48, values: (_, at) => at.map(value => compact(value)) }],
    series: [{}, ...lines.map(line => ({ label: line.label, stroke: () => colour(line.colour), width: 2 }))],
  }, [[], ...lines.map(() => [])] as uPlot.AlignedData, into);
}

export function Chart(charted: Charted) {
  const { title, unit, lines, seconds } = charted;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot>();
  useEffect(() => {
    const into = place.current!;
    const chart = plot(into, charted);
    drawn.current = chart;
    const fit = new ResizeObserver(() => { chart.setSize({ width: Math.max(200, into.clientWidth), height: 150 }); });
    fit.observe(into);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => { chart.redraw(); };
    dark.addEventListener('change', redraw);
    return () => { fit.disconnect(); dark.removeEventListener('change', redraw); chart.destroy(); };
  }, []);
  useEffect(() => {
    const last = seconds[seconds.length - 1]?.at ?? Date.now() / 1000;
    const chart = drawn.current;
    chart?.setData([seconds.map(second => second.at), ...lines.map(line => seconds.map(line.of))] as uPlot.AlignedData);
    chart?.setScale('x', { min: last - seconds_kept, max: last });
  }, [seconds]);
  const now = seconds[seconds.length - 1];
  return (
    <section class="card chart">
      <h3>{title}</h3>
      <p class="now">
        {lines.map(line => {
          const value = now ? line.of(now) : null;
          return <span key={line.label}><i class={`key${line.colour}`} aria-hidden="true" /> {line.label} <b>{value === null ? '–' : rate(value)}</b>{value !== null && ` ${unit}`}</span>;
        })}
      </p>
      <div ref={place} aria-hidden="true" />
    </section>
  );
}
