// What names a resource in a path or a body: a UUID, or a logical name.

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The UUID in its written form with hyphens, in lower case; undefined when the text is none. Accepts what Python's
 * uuid does: braces, `urn:uuid:`, hyphens anywhere or nowhere (oslo.utils uuidutils is_uuid_like).
 */
export function canonicalUuid(text: string): string | undefined {
  if (canonical.test(text)) return text;
  const digits = text
    .toLowerCase()
    .replace('urn:', '')
    .replace('uuid:', '')
    // Tried where a run of braces begins, not from each of its braces: a text may be a mebibyte of them.
    .replaceAll(/^[{}]+|(?<![{}])[{}]+$/g, '')
    .replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Below 1.10 a name had to be a host name's: labels of letters, digits and hyphens, with dots between. */
function isHostName(name: string): boolean {
  return (
    name.length <= 255 &&
    name.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
  );
}

const looseName = /^[a-zA-Z0-9\-._~]{1,255}$/;

/** Whether a text may be a resource's name, by microversion (ironic api/controllers/v1/utils.py is_valid_logical_name). */
export function isLogicalName(name: string, minor: number): boolean {
  return minor >= 10 ? looseName.test(name) : isHostName(name);
}
