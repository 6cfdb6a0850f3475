/** What the environment gives: the value itself, or with `NAME_FILE` the path of a file that holds it (as Docker and Kubernetes mount secrets). */
import { readFileSync } from 'node:fs';
import type { Fault } from '../domain/errors.ts';

const MAX_BYTES = 65_536;

type Environment = Readonly<Record<string, string | undefined>>;

/** An empty value is none: compose files and units hand on empty variables. */
function settingOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}

/** The files that hold settings, by name of the setting: for whoever looks at their modes. */
export function settingFiles(
  environment: Environment,
  names: readonly string[],
): ReadonlyMap<string, string> {
  return new Map(
    names.flatMap((name) => {
      const file = settingOf(environment, `${name}_FILE`);
      return file === undefined ? [] : [[name, file] as const];
    }),
  );
}

/**
 * Only what `names` lists. Blanks and line ends around a value, in a file too, are no part of it; an empty file gives nothing, as an empty
 * variable does.
 */
export function pickGiven(
  environment: Environment,
  names: readonly string[],
): { readonly given: Record<string, unknown>; readonly faults: readonly Fault[] } {
  const given: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const files = settingFiles(environment, names);
  for (const name of names) {
    const value = settingOf(environment, name);
    const file = files.get(name);
    const fault = (message: string) => faults.push({ pointer: `/${name}_FILE`, message });
    if (value !== undefined && file !== undefined)
      fault(`${name}_FILE and ${name} are both set: take one of them away`);
    else if (value !== undefined) given[name] = value;
    else if (file !== undefined) {
      try {
        const bytes = readFileSync(file);
        const text = bytes.subarray(0, MAX_BYTES).toString('utf8').trim();
        if (bytes.length > MAX_BYTES) fault(`${name}_FILE: ${file} has more than ${MAX_BYTES} bytes`);
        else if (text !== '') given[name] = text;
      } catch (error) {
        fault(
          `${name}_FILE: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
        );
      }
    }
  }
  return { given, faults };
}
