const counts = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const times = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** A whole number with thousands apart. */
export function count(value: number): string {
  return counts.format(value);
}

/** `1 page`, `2 pages`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** US dollars, with as many digits as the price of a single page needs. */
export function usd(value: number): string {
  return `$${value.toFixed(value === 0 || value >= 100 ? 2 : 4)}`;
}

/** `98.7%`, of 0-100; null: nothing was measured. */
export function percent(value: number | null): string | null {
  return value === null ? null : `${value.toFixed(1)}%`;
}

/** A point in time in the server's own time zone: `25 Nov 2026, 14:03:09`. */
export function time(date: Date): string {
  return times.format(date);
}

/** Milliseconds for people: `0.4 s`, `12 s`, `2 min 5 s`, `1 h 4 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Decimal units, as disks are sold: `1.2 MB`. */
export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  const scaled = value / 1000 ** power;
  return `${power === 0 || scaled >= 10 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}
