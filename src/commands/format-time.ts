/** Times as a person reads them. Pure. */

/** `2026-11-21 03:00:00`, in UTC; with `precise` down to the millisecond. A dash where there is no time. */
export function formatMoment(time: string | number | null, precise = false): string {
  if (time === null) return '-';
  const iso = new Date(time).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, precise ? 23 : 19)}`;
}

/** `12 ms`, `3.2 s`, `42 s`, `3 min 5 s`, `5 h 10 min`, `12 d 3 h`. A dash where there is no span. */
export function formatSpan(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 0) return `-${formatSpan(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joinUnits([minutes, 'min'], [seconds % 60, 's']);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joinUnits([hours, 'h'], [minutes % 60, 'min']);
  return joinUnits([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

/** `3 min 5 s ago`; `in 42 s` for what is still to come. */
export function formatAgo(time: number, now: number): string {
  return time <= now ? `${formatSpan(now - time)} ago` : `in ${formatSpan(time - now)}`;
}

function joinUnits([count, unit]: [number, string], [rest, smaller]: [number, string]): string {
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${smaller}`;
}
