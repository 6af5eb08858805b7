// Links in answers: from the URL clients know us by, and the path (ironic api/controllers/link.py).

/** `self` and `bookmark` of a resource, as JSON text. `path` is safe in a URL and in JSON: a UUID, our own words. */
export function linksText(baseUrl: string, path: string): string {
  return `[{"href":"${baseUrl}/v1/${path}","rel":"self"},{"href":"${baseUrl}/${path}","rel":"bookmark"}]`;
}

/** The same as a value. */
export function links(baseUrl: string, path: string): { href: string; rel: string }[] {
  return [
    { href: `${baseUrl}/v1/${path}`, rel: 'self' },
    { href: `${baseUrl}/${path}`, rel: 'bookmark' },
  ];
}
