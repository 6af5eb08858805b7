// Addresses that nobody who is asked from outside may be sent to: clouds keep there what is the machine's own.
import { BlockList, isIP } from 'node:net';

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// Where clouds keep the metadata of their machines over IPv6.
linkLocal.addSubnet('fd00:ec2::', 32, 'ipv6');

/** Also when it is written as an IPv6 address that holds it, or in the brackets of a URL. */
export function isLinkLocal(address: string): boolean {
  const bare = address.replaceAll(/^\[|\]$/g, '');
  const family = isIP(bare);
  return family !== 0 && linkLocal.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}
