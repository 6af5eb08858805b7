// The INI dialect of oslo.config (iniparser.py), in which Ironic's configuration is written. It differs from
// others: a comment is a whole line, a line that begins with a blank continues the value before it, names may
// repeat, and quotes around a whole value are taken off.
import { ConfigError } from './config-error.ts';

/** One assignment of a file. */
export interface IniEntry {
  readonly group: string;
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Every assignment in a text, in order. Throws ConfigError naming the line that is none. */
export function parseIni(text: string, file: string): IniEntry[] {
  const entries: IniEntry[] = [];
  let group = 'DEFAULT';
  /** The assignment that following indented lines go on with. */
  let open: { name: string; lines: string[]; line: number; group: string } | undefined;

  const close = () => {
    if (open) entries.push({ ...open, value: unquoted(open.lines.join('\n').trim()) });
    open = undefined;
  };

  // A byte order mark is what some editors leave; it belongs to no name.
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '') {
      close();
    } else if (/^\s/.test(raw)) {
      if (!open)
        throw new ConfigError({ file, line, problem: 'a line that begins with a blank continues nothing' });
      open.lines.push(content);
    } else if (/^[#;]/.test(content)) {
      // A comment between the lines of one value does not end it.
    } else if (content.startsWith('[')) {
      close();
      group = groupName(content, file, line);
    } else {
      close();
      const { name, value } = assignment(content, file, line);
      open = { name, lines: [value], line, group };
    }
  }
  close();
  return entries;
}

function groupName(content: string, file: string, line: number): string {
  const name = /^\[([^\]]+)\]$/.exec(content)?.[1]?.trim();
  if (!name)
    throw new ConfigError({ file, line, problem: 'the name of a group stands in brackets: [conductor]' });
  // oslo.config knows DEFAULT in capitals and every other group in small letters.
  return name.toUpperCase() === 'DEFAULT' ? 'DEFAULT' : name.toLowerCase();
}

function assignment(content: string, file: string, line: number): { name: string; value: string } {
  const split = content.search(/[=:]/);
  if (split <= 0)
    throw new ConfigError({ file, line, problem: 'this line is neither a [group] nor a "name = value"' });
  return {
    name: content.slice(0, split).trim().replaceAll('-', '_'),
    value: content.slice(split + 1).trim(),
  };
}

function unquoted(value: string): string {
  const quoted = value.length > 1 && /^["']/.test(value) && value.at(-1) === value[0];
  return quoted ? value.slice(1, -1) : value;
}
