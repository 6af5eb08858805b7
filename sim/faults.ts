// What can be made to go wrong with one machine and its BMC, at run time.
import { BadRequest } from './errors.ts';
import type { Machine } from './machine.ts';

/** Narrows a fault to some requests and some times. */
interface FaultScope {
  /** How many times it acts before it is gone by itself. Absent: until cleared. */
  count?: number;
  /** Only requests of this method. */
  method?: string;
  /** Only requests whose path contains this. */
  path?: string;
  /** The BMC does what was asked, and only then fails to say so. */
  acts_first?: boolean;
}

export type FaultKind =
  | { kind: 'slow'; milliseconds: number }
  /** The request is taken and never answered. */
  | { kind: 'hang' }
  /** The connection is torn down. */
  | { kind: 'reset' }
  | { kind: 'status'; status: number; body?: 'redfish' | 'empty' | 'html' }
  | { kind: 'unauthorized' }
  /** The session that the request presents is forgotten, as after a BMC's restart. Basic authentication still works. */
  | { kind: 'stale-session' }
  /** Reset answers as if it had worked; power stays as it is. */
  | { kind: 'power-stuck' }
  /** 200 with something else than the resource. `members`: those left out; absent: all but the annotations. */
  | { kind: 'wrong-answer'; answer: 'garbage' | 'html' | 'missing-members'; members?: string[] }
  /** The agent's process is killed: at once, or when it has written that many bytes. */
  | { kind: 'agent-death'; after_bytes?: number }
  /** The machine powers on and nothing ever starts on it. */
  | { kind: 'boot-never' };

export type Fault = FaultKind & FaultScope;

const requestFaults = ['slow', 'hang', 'reset', 'status', 'unauthorized', 'stale-session', 'wrong-answer'];
const machineFaults = ['power-stuck', 'agent-death', 'boot-never'];

/** The faults of this request, each counted down. A slow one may stand beside another that decides the answer. */
export function takeRequestFaults(machine: Machine, method: string, path: string): Fault[] {
  if (!machine.faults) return [];
  const taken: Fault[] = [];
  for (const [name, fault] of machine.faults) {
    if (!requestFaults.includes(fault.kind)) continue;
    if (fault.method !== undefined && fault.method !== method) continue;
    if (fault.path !== undefined && !path.includes(fault.path)) continue;
    taken.push(fault);
    countDown(machine, name, fault);
  }
  return taken;
}

/** The machine's fault of that kind, counted down, or undefined. */
export function takeMachineFault<K extends Fault['kind']>(
  machine: Machine,
  kind: K,
): Extract<Fault, { kind: K }> | undefined {
  for (const [name, fault] of machine.faults ?? []) {
    if (fault.kind !== kind) continue;
    countDown(machine, name, fault);
    return fault as Extract<Fault, { kind: K }>; // its kind was compared
  }
  return undefined;
}

function countDown(machine: Machine, name: string, fault: Fault): void {
  if (fault.count === undefined) return;
  if (fault.count <= 1) machine.faults?.delete(name);
  else machine.faults?.set(name, { ...fault, count: fault.count - 1 });
}

/** Reads a fault that came over the wire; throws BadRequest naming the member that is wrong. */
export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null) throw new BadRequest('A fault is a JSON object.');
  const fault = value as Record<string, unknown>; // an object, checked above
  const known = [...requestFaults, ...machineFaults];
  if (typeof fault['kind'] !== 'string' || !known.includes(fault['kind']))
    throw new BadRequest(`A fault's kind is one of ${known.join(', ')}.`);
  const needs = requirements[fault['kind']] ?? {};
  for (const [member, type] of Object.entries({ ...optionalMembers, ...needs })) {
    const given = fault[member];
    if (given === undefined && !(member in needs)) continue;
    if (!matches(given, type))
      throw new BadRequest(`"${member}" of a ${fault['kind']} fault must be ${describe(type)}.`);
  }
  return fault as unknown as Fault; // every member was checked against its type
}

type MemberType = 'whole number' | 'text' | 'boolean' | 'list of text' | readonly string[];

const requirements: Record<string, Record<string, MemberType>> = {
  slow: { milliseconds: 'whole number' },
  status: { status: 'whole number' },
  'wrong-answer': { answer: ['garbage', 'html', 'missing-members'] },
};
const optionalMembers: Record<string, MemberType> = {
  count: 'whole number',
  method: 'text',
  path: 'text',
  acts_first: 'boolean',
  after_bytes: 'whole number',
  members: 'list of text',
  body: ['redfish', 'empty', 'html'],
};

function matches(value: unknown, type: MemberType): boolean {
  if (type === 'whole number') return Number.isSafeInteger(value) && Number(value) >= 0;
  if (type === 'text') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'list of text') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  return typeof value === 'string' && type.includes(value);
}

function describe(type: MemberType): string {
  return typeof type === 'string' ? `a ${type}` : `one of ${type.join(', ')}`;
}
