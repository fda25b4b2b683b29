/** How times, addresses and numbers are written. */
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const MOMENT = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export const timeText = (iso: string): string => TIME.format(new Date(iso));
export const momentText = (iso: string): string => MOMENT.format(new Date(iso));
export const countText = (count: number): string => NUMBER.format(count);

/** `1 session`, `1,200 sessions` */
export const countedText = (count: number, one: string): string =>
  `${countText(count)} ${one}${count === 1 ? '' : 's'}`;

/** Below ten with one decimal where there is one, as `0.3`. */
export function rateText(perS: number): string {
  return Number.isInteger(perS) || perS >= 10 ? NUMBER.format(perS) : SMALL.format(perS);
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** `45 s`, `12 min`, `3 h 05`, `2 d` */
export function ageText(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 1_000));
  if (seconds < MINUTE_S) return `${seconds} s`;
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`;
  if (seconds < DAY_S) {
    const minutes = Math.floor((seconds % HOUR_S) / MINUTE_S);
    return `${Math.floor(seconds / HOUR_S)} h ${String(minutes).padStart(2, '0')}`;
  }
  return `${Math.floor(seconds / DAY_S)} d`;
}

/** `sip:ada@example.net` as `ada@example.net`: the scheme says nothing where all have it. */
export function addressText(uri: string): string {
  return uri.replace(/^sips?:/i, '');
}

/** `sip:im-g-crew@example.net;x=y` as `im-g-crew` */
export function userText(uri: string): string {
  const plain = addressText(uri);
  const at = plain.indexOf('@');
  return at === -1 ? plain : plain.slice(0, at);
}
