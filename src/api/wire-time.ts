// Times as answers show them: the store keeps fractions of seconds, the wire has whole ones.
import type { WireTime } from '#model/node-record.ts';

export function shownTime(time: WireTime): string;
export function shownTime(time: WireTime | null): string | null;
export function shownTime(time: WireTime | null): string | null {
  return time && `${time.slice(0, 19)}+00:00`;
}
