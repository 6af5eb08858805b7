// Which addresses notifications may be posted to.
import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { ConfigError } from '#config/config-error.ts';

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// Where clouds keep the metadata of their machines over IPv6.
linkLocal.addSubnet('fd00:ec2::', 32, 'ipv6');

/** Whether an address is one that no receiver has: also when it is written as an IPv6 address that holds it. */
function isLinkLocal(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && linkLocal.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Throws ConfigError, which does not tell the URL: it may hold a secret. */
export function parseWebhookUrl(text: string, { allowLinkLocal }: { allowLinkLocal: boolean }): URL {
  const wrong = (problem: string): ConfigError =>
    new ConfigError({ group: 'ingot', option: 'webhook_urls', problem });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw wrong('has an entry that is no http:// or https:// URL.');
  if (url.username !== '' || url.password !== '')
    throw wrong('has a URL with a user or password; receivers know us by [ingot] webhook_secret.');
  if (!allowLinkLocal && isLinkLocal(url.hostname.replaceAll(/^\[|\]$/g, '')))
    throw wrong(`has the link-local address ${url.hostname}; [ingot] webhook_allow_link_local allows it.`);
  return url;
}

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The system's name lookup, which finds no link-local address: whatever a name means today, it leads to none. */
export function lookupElsewhere(hostname: string, options: LookupOptions, found: Found): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const allowed = addresses?.filter(({ address }) => !isLinkLocal(address)) ?? [];
    const [first] = allowed;
    if (error) found(error, []);
    else if (!first) found(new Error(`${hostname} has link-local addresses only`), []);
    else if (options.all === true) found(null, allowed);
    else found(null, first.address, first.family);
  });
}
