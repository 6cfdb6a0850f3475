/**
 * Which endpoints of strangers we call: push services, whose URL is chosen by whoever holds the browser, and agencies' webhooks. Without this
 * we would post into our own network for them (SSRF). The host is judged when it is read, and every address it resolves to when it is dialled.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemResolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Not globally reachable, from the IANA special-purpose registries (RFC 6890 and what was added since). An IPv4 address
 * written as IPv6 (::ffff:…) is held against the IPv4 list by the runtime.
 */
const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export const ADDRESS_PRIVATE = 'EADDRESSPRIVATE';

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

function mayDial(address: string, allowLoopback: boolean): boolean {
  const family = familyOf(address);
  if (LOOPBACK.check(address, family)) return allowLoopback;
  return !PRIVATE.check(address, family);
}

/** The endpoint as a URL, or null where it must not be called: not https, credentials in it, a private address. */
export function allowedEndpoint(endpoint: string, allowLoopback: boolean): URL | null {
  const url = URL.parse(endpoint);
  if (url?.username !== '' || url.password !== '') return null;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const literal = isIP(host) !== 0;
  if (literal && !mayDial(host, allowLoopback)) return null;
  if (url.protocol === 'https:')
    return host.includes('.') || host.includes(':') || allowLoopback ? url : null;
  // Clear text never leaves the machine.
  if (url.protocol !== 'http:' || !allowLoopback) return null;
  return literal && LOOPBACK.check(host, familyOf(host)) ? url : null;
}

export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** For an http(s) agent: resolves as usual and refuses if any answer is private, so a name cannot be turned inwards between two looks. */
export function publicLookup(allowLoopback: boolean, resolve: Resolve = systemResolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const refused = addresses.find(({ address }) => !mayDial(address, allowLoopback));
      if (refused)
        return callback(
          Object.assign(new Error('the name resolves to a private address'), { code: ADDRESS_PRIVATE }),
          '',
        );
      if (options.all) return callback(null, addresses);
      const first = addresses[0];
      if (!first)
        return callback(Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' }), '');
      return callback(null, first.address, first.family);
    });
  };
}
