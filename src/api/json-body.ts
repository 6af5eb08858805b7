// Reads a body's JSON within bounds (ironic api/middleware/json_depth.py: limits, and the form of the refusal).
import { Invalid } from '#model/faults.ts';
import { BodyRefused } from './wire-error.ts';

/** Throws BodyRefused when the text nests objects and lists deeper than `maxDepth`. */
export function checkDepth(text: string, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === backslash) at += 1;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === openBrace || code === openBracket) {
      depth += 1;
      if (depth > maxDepth) throw new BodyRefused(400, `The JSON nests deeper than ${maxDepth} levels.`);
    } else if (code === closeBrace || code === closeBracket) depth -= 1;
  }
}

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [34, 92, 123, 125, 91, 93];

/** The value of a body. No body is `{}`, as in the reference. Throws Invalid (400) when it is not JSON. */
export function parseBody(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Invalid('The body of the request is not valid JSON.');
  }
}
