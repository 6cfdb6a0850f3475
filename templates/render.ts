/**
 * The only file that knows Handlebars. Strings are compiled, never trees (CVE-2026-33937), strictly, with known helpers and no partials;
 * inspectSource lists what a source uses and what it must not. Text is never escaped here: HTML is made from finished text (content.ts).
 */
import Handlebars from 'handlebars';
import { type Refused, refused } from './refusals.ts';
import { BLOCK_HELPERS, helpersFor, TEXT_HELPERS } from './vocabulary.ts';

export type RenderText = (values: object) => string;

/** A use of a variable: `event.amount` on a line; guarded where an enclosing `if` (or the then-part of it) asks for the same one first. */
export type VariableUse = { readonly name: string; readonly line: number; readonly guarded: boolean };
export type SourceFault = { readonly line: number; readonly refused: Refused };
export type Inspection = {
  readonly variables: readonly VariableUse[];
  readonly faults: readonly SourceFault[];
};

const MAX_SOURCE_BYTES = 16_384;
const MAX_BLOCKS = 200;
const KNOWN = Object.fromEntries(
  [...Object.keys(TEXT_HELPERS), ...Object.keys(BLOCK_HELPERS)].map((n) => [n, true]),
);
/** The library's own default, said aloud: unsaid, it writes a warning to the console for each name it refuses. */
const OWN_PROPERTIES = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
const environments = new Map<string, typeof Handlebars>();

function environment(locale: string): typeof Handlebars {
  const known = environments.get(locale);
  if (known) return known;
  const created = Handlebars.create();
  // Not allowed anyway; and the library wraps every helper it has anew for each rendering.
  for (const name of ['each', 'with', 'lookup', 'log', 'blockHelperMissing']) created.unregisterHelper(name);
  for (const [name, helper] of Object.entries(helpersFor(locale))) created.registerHelper(name, helper);
  created.registerHelper(
    'changed',
    function changed(this: unknown, a: unknown, b: unknown, options: Handlebars.HelperOptions) {
      return a === b ? options.inverse(this) : options.fn(this);
    },
  );
  created.registerHelper(
    'is',
    function is(this: unknown, a: unknown, b: unknown, options: Handlebars.HelperOptions) {
      return a === b ? options.fn(this) : options.inverse(this);
    },
  );
  environments.set(locale, created);
  return created;
}

/** Compiles one source for one locale; done once per version. Throws on syntax; the result throws where a value is missing. */
export function compileSource(source: string, locale: string): RenderText {
  if (typeof source !== 'string') throw new TypeError('a template is a string');
  const run = environment(locale).compile(source, {
    strict: true,
    knownHelpers: KNOWN,
    knownHelpersOnly: true,
    noEscape: true,
    preventIndent: true,
  });
  return (values) => run(values, OWN_PROPERTIES);
}

/** Reads a source without running it: every variable with its line, and every construct that is not allowed. */
export function inspectSource(source: string): Inspection {
  const variables: VariableUse[] = [];
  const faults: SourceFault[] = [];
  // Before the parser, which takes its time and its stack with what is long or deeply nested.
  if (Buffer.byteLength(source) > MAX_SOURCE_BYTES)
    return { variables, faults: [{ line: 1, refused: refused('too-large', MAX_SOURCE_BYTES) }] };
  if ((source.match(/\{\{~?[#^]/g)?.length ?? 0) > MAX_BLOCKS)
    return { variables, faults: [{ line: 1, refused: refused('too-many-blocks', MAX_BLOCKS) }] };
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = Number(/line (\d+)/.exec(message)?.[1] ?? 1);
    return { variables, faults: [{ line, refused: refused('syntax', message.split('\n')[0] ?? message) }] };
  }

  function refuse(node: hbs.AST.Node, why: Refused): void {
    faults.push({ line: node.loc.start.line, refused: why });
  }

  function variable(node: hbs.AST.Expression, guards: ReadonlySet<string>): void {
    if (node.type !== 'PathExpression') {
      if (!node.type.endsWith('Literal')) refuse(node, refused('not-a-value'));
      return;
    }
    const path = node as hbs.AST.PathExpression;
    if (path.data || path.depth > 0 || path.original.startsWith('this') || path.original.startsWith('.')) {
      refuse(node, refused('not-a-variable', path.original));
      return;
    }
    const name = path.parts.join('.');
    variables.push({ name, line: node.loc.start.line, guarded: guards.has(name) });
  }

  function call(
    node: hbs.AST.MustacheStatement | hbs.AST.BlockStatement,
    helpers: Readonly<Record<string, number>>,
  ) {
    const name = node.path.type === 'PathExpression' ? (node.path as hbs.AST.PathExpression).original : '?';
    if (node.hash && node.hash.pairs.length > 0) refuse(node, refused('named-arguments', name));
    if (!Object.hasOwn(helpers, name)) {
      refuse(node, refused('unknown-word', name, Object.keys(helpers).join(', ')));
      return undefined;
    }
    if (node.params.length !== helpers[name])
      refuse(node, refused('arity', name, helpers[name]!, node.params.length));
    return name;
  }

  function walk(body: readonly hbs.AST.Statement[], guards: ReadonlySet<string>): void {
    for (const statement of body) {
      if (statement.type === 'MustacheStatement') {
        const mustache = statement as hbs.AST.MustacheStatement;
        if (!mustache.escaped) refuse(mustache, refused('raw-output'));
        if (mustache.params.length === 0 && !mustache.hash?.pairs.length) variable(mustache.path, guards);
        else if (call(mustache, TEXT_HELPERS)) for (const param of mustache.params) variable(param, guards);
      } else if (statement.type === 'BlockStatement') {
        const block = statement as hbs.AST.BlockStatement;
        if (block.program?.blockParams?.length) refuse(block, refused('block-parameters'));
        const name = call(block, BLOCK_HELPERS);
        if (!name) continue;
        const asked = new Set<string>();
        for (const param of block.params) {
          // The condition of an if is where an optional value may be missing.
          const named =
            param.type === 'PathExpression' ? (param as hbs.AST.PathExpression).parts.join('.') : undefined;
          if (named !== undefined && (name === 'if' || name === 'unless')) asked.add(named);
          variable(param, new Set([...guards, ...asked]));
        }
        const inside = new Set([...guards, ...asked]);
        if (block.program) walk(block.program.body, name === 'if' ? inside : guards);
        if (block.inverse) walk(block.inverse.body, name === 'unless' ? inside : guards);
      } else if (statement.type !== 'ContentStatement' && statement.type !== 'CommentStatement') {
        refuse(statement, refused('not-allowed', statement.type));
      }
    }
  }

  walk(program.body, new Set());
  return { variables, faults };
}
