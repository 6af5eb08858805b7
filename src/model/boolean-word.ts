/** What a member of driver_info means as true or false, also in words (oslo_utils strutils, strict); null if neither. */
export function booleanWord(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return null;
  if (/^(true|t|1|on|yes|y)$/i.test(value)) return true;
  return /^(false|f|0|off|no|n)$/i.test(value) ? false : null;
}
