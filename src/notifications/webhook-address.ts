// Which addresses notifications may be posted to.
import { ConfigError } from '#config/config-error.ts';
import { isLinkLocal } from '#model/link-local.ts';

/** Throws ConfigError, which does not tell the URL: it may hold a secret. */
export function parseWebhookUrl(text: string, { allowLinkLocal }: { allowLinkLocal: boolean }): URL {
  const wrong = (problem: string): ConfigError =>
    new ConfigError({ group: 'ingot', option: 'webhook_urls', problem });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw wrong('has an entry that is no http:// or https:// URL.');
  if (url.username !== '' || url.password !== '')
    throw wrong('has a URL with a user or password; receivers know us by [ingot] webhook_secret.');
  if (!allowLinkLocal && isLinkLocal(url.hostname))
    throw wrong(`has the link-local address ${url.hostname}; [ingot] webhook_allow_link_local allows it.`);
  return url;
}
