// MAC addresses as the API takes them: six pairs of hexadecimal digits with colons between.

const pairs = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** The address in lower case; undefined when the text is none (oslo.utils netutils is_valid_mac). */
export function canonicalMac(text: string): string | undefined {
  return pairs.test(text) ? text.toLowerCase() : undefined;
}
