// Which keys of free-form objects hold secrets, and the objects without them.

/** What stands where a secret was. */
export const mask = '******';

// A key is secret when it contains one of these, in any case (oslo.utils strutils, sanitize keys).
const secretFragments = [
  'adminpass',
  'admin_pass',
  'password',
  'admin_password',
  'auth_token',
  'new_pass',
  'auth_password',
  'secret_uuid',
  'secret',
  'sys_pswd',
  'token',
  'configdrive',
  'chappassword',
  'encrypted_key',
  'private_key',
  'fernetkey',
  'sslkey',
  'passphrase',
  'cephclusterfsid',
  'octaviaheartbeatkey',
  'rabbitcookie',
  'cephmanilaclientkey',
  'pacemakerremoteauthkey',
  'designaterndckey',
  'cephadminkey',
  'heatauthencryptionkey',
  'cephclientkey',
  'keystonecredential',
  'barbicansimplecryptokek',
  'cephrgwkey',
  'swifthashsuffix',
  'migrationsshkey',
  'cephmdskey',
  'cephmonkey',
  'chapsecret',
] as const;

/** A text without what URLs in it tell only those who may know: user and password, and the query, which may be signed. */
export function hideInUrls(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]*@/gi, `$1${mask}@`)
    .replaceAll(/https?:\/\/[^\s"'<>]*/gi, withoutQuery);
}

/** Cut by hand: a pattern with the question mark in it would look for that anew from every `http://` of a text. */
function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  return url[end] === '?' ? `${url.slice(0, end)}?${mask}` : url;
}

/** `driver_info` has two more (ironic api/controllers/v1/node.py). */
export const driverSecretKeys: readonly string[] = ['snmp_auth_key', 'snmp_priv_key'];

/** In `instance_info`, what leads to the instance's data, unless the caller may see instance secrets. */
export const instanceSecretKeys: readonly string[] = ['configdrive', 'image_url'];

/** Whether a key of a free-form object holds a secret by its name. */
export function isSecretKey(key: string): boolean {
  const lower = key.toLowerCase();
  return secretFragments.some((fragment) => lower.includes(fragment));
}

/**
 * A copy of the value with everything under a secret key replaced by the mask, at any depth, also inside lists.
 */
export function maskSecrets<T>(value: T, alsoSecret: readonly string[] = []): T {
  // Masking changes values, never the keys, so the result has the shape that T promised of free-form JSON.
  return masked(value, alsoSecret, (text) => text) as T;
}

/** As `maskSecrets`, for whoever may know less than callers of the API: what URLs in any text tell is hidden too. */
export function withoutSecrets<T>(value: T, alsoSecret: readonly string[] = []): T {
  return masked(value, alsoSecret, hideInUrls) as T;
}

function masked(value: unknown, alsoSecret: readonly string[], shown: (text: string) => string): unknown {
  if (typeof value === 'string') return shown(value);
  if (Array.isArray(value)) return value.map((item) => masked(item, alsoSecret, shown));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      isSecretKey(key) || alsoSecret.includes(key) ? mask : masked(inner, alsoSecret, shown),
    ]),
  );
}
