// JSON Patch as this API takes it: add, replace and remove (RFC 6902 §4; ironic api/controllers/v1/utils.py, 2026.2).
import { Invalid, PatchError } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  /** The path's parts, decoded; at least one. */
  readonly path: readonly [string, ...string[]];
  /** As it was written. */
  readonly pathText: string;
  /** Absent from a remove, and from an operation that is wrong. */
  readonly value?: unknown;
}

const plainPath = /^(\/[\p{L}\p{N}_-]+)+$/u;
const escapedPath = /^(\/([\p{L}\p{N}_-]|~[01])+)+$/u;
const members = new Set(['op', 'path', 'value']);
/** Operations build on each other, so without it a patch could nest a field deeper than anything can read. */
const longestPath = 64;

/** The operations of a body. Throws Invalid (400) for what is no patch. `escapes`: `~0` and `~1` stand for `~` and `/`. */
export function parsePatch(body: unknown, options: { escapes: boolean }): PatchOperation[] {
  if (!Array.isArray(body)) throw new Invalid('A patch is a list of operations.');
  return body.map((each, at) => parseOperation(each, at, options.escapes));
}

function parseOperation(operation: unknown, at: number, escapes: boolean): PatchOperation {
  const wrong = (what: string) => new Invalid(`Operation ${at} of the patch ${what}.`);
  if (!isJsonObject(operation)) throw wrong('is not an object');
  const unknown = Object.keys(operation).find((name) => !members.has(name));
  if (unknown !== undefined) throw wrong(`has a member that no operation has: ${unknown}`);
  const { op, path } = operation;
  if (op !== 'add' && op !== 'replace' && op !== 'remove') throw wrong('is none of add, replace and remove');
  if (typeof path !== 'string' || !(escapes ? escapedPath : plainPath).test(path))
    throw wrong('has no path, or one that is not of the form /name/name');
  const parts = path.slice(1).split('/').map(decodePart);
  if (parts.length > longestPath) throw wrong(`has a path of more than ${longestPath} parts`);
  const given = Object.hasOwn(operation, 'value') ? { value: operation['value'] } : {};
  // The pattern takes no path without a part.
  return { op, path: parts as [string, ...string[]], pathText: path, ...given };
}

function decodePart(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/**
 * A copy of the document with the operations done to it one by one. Removing a member of the document itself sets
 * it to null, whether it has a value or not; deeper down only what is there can be removed or replaced.
 * Throws PatchError (400), naming the operation without its value, which may be a secret.
 */
export function applyPatch(
  document: Readonly<Record<string, unknown>>,
  operations: readonly PatchOperation[],
): Record<string, unknown> {
  const patched: Record<string, unknown> = { ...document };
  const copied = new Set<string>();
  for (const operation of operations) {
    const [field, ...rest] = operation.path;
    if (operation.op !== 'remove' && !('value' in operation)) throw cannot(operation, 'it has no value');
    const last = rest.pop();
    if (last === undefined) {
      setMember(patched, field, operation.op === 'remove' ? null : structuredClone(operation.value));
      copied.add(field);
      continue;
    }
    if (!copied.has(field)) setMember(patched, field, structuredClone(patched[field]));
    copied.add(field);
    let target: unknown = patched[field];
    for (const part of rest) target = childOf(target, part, operation);
    change(target, last, operation);
  }
  return patched;
}

function childOf(target: unknown, part: string, operation: PatchOperation): unknown {
  if (Array.isArray(target)) return target[indexIn(target, part, operation)] as unknown;
  if (isJsonObject(target) && Object.hasOwn(target, part)) return target[part];
  throw cannot(operation, `there is no '${part}' on its path`);
}

function change(target: unknown, last: string, operation: PatchOperation): void {
  if (Array.isArray(target)) changeList(target, last, operation);
  else if (isJsonObject(target)) changeObject(target, last, operation);
  else throw cannot(operation, `what holds '${last}' is neither an object nor a list`);
}

function changeObject(target: Record<string, unknown>, last: string, operation: PatchOperation): void {
  if (operation.op !== 'add' && !Object.hasOwn(target, last))
    throw cannot(operation, `there is no '${last}'`);
  if (operation.op === 'remove') delete target[last];
  else setMember(target, last, structuredClone(operation.value));
}

function changeList(target: unknown[], last: string, operation: PatchOperation): void {
  const value: unknown = structuredClone(operation.value);
  if (operation.op === 'add') {
    const at =
      last === '-' || last === String(target.length) ? target.length : indexIn(target, last, operation);
    target.splice(at, 0, value);
    return;
  }
  const at = indexIn(target, last, operation);
  if (operation.op === 'remove') target.splice(at, 1);
  else target[at] = value;
}

function indexIn(list: readonly unknown[], part: string, operation: PatchOperation): number {
  const index = /^(0|[1-9]\d{0,9})$/.test(part) ? Number(part) : -1;
  if (index < 0 || index >= list.length) throw cannot(operation, `the list has no element '${part}'`);
  return index;
}

/** Assignment would change the prototype where a member is called `__proto__`, as JSON allows. */
function setMember(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function cannot(operation: PatchOperation, reason: string): PatchError {
  return new PatchError({ patch: `${operation.op} ${operation.pathText}`, reason });
}
