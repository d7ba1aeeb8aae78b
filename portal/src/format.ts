// Numbers and times as people read them.
const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const few = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const count = (value: number): string => counts.format(value);
export const rate = (value: number): string => (value < 10 ? few : counts).format(value);

export const compact = (value: number): string => short.format(value);

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; ++unit; }
  return `${unit === 0 ? value : few.format(value)} ${units[unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${few.format(seconds)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const two_digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
export const milliseconds = (seconds: number | null): string => (seconds === null ? '–' : `${two_digits.format(seconds * 1000)} ms`);
export const ago = (time: string): string => `${duration(Math.max(0, (Date.now() - Date.parse(time)) / 1000))} ago`;
export const clock = (time: string): string => new Date(time).toLocaleTimeString('en-GB');
export const plural = (value: number, word: string): string => `${count(value)} ${word}${value === 1 ? '' : 's'}`;
