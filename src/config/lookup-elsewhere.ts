import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isLinkLocal } from '#model/link-local.ts';

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
