/** The shapes of which answers.ts is made. What an answer has beside the named members a later version may add. */
export type Shape = Readonly<Record<string, unknown>>;

export const text: Shape = { type: 'string' };
export const maybeText: Shape = { type: ['string', 'null'] };
export const whole: Shape = { type: 'integer' };
export const maybeWhole: Shape = { type: ['integer', 'null'] };
export const yes: Shape = { type: 'boolean' };
export const time: Shape = { type: 'string', format: 'date-time' };
export const maybeTime: Shape = { type: ['string', 'null'], format: 'date-time' };
export const uuid: Shape = { type: 'string', format: 'uuid' };
export const anything: Shape = {};
export const names: Shape = { type: ['object', 'null'], additionalProperties: { type: 'string' } };
/** Under ten people: `<10`; one that could be had by subtraction: `hidden`. */
export const people: Shape = { anyOf: [{ type: 'integer' }, { type: 'string', enum: ['<10', 'hidden'] }] };
export const free: Shape = { type: 'object', additionalProperties: true };

export const one = (...values: readonly string[]): Shape => ({ type: 'string', enum: values });
export const list = (items: Shape): Shape => ({ type: 'array', items });
export const map = (values: Shape): Shape => ({ type: 'object', additionalProperties: values });
export const maybe = (shape: Shape): Shape => ({ anyOf: [shape, { type: 'null' }] });

/** All named members are there; a name that ends in `?` may be missing. */
export function object(members: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(members);
  return {
    type: 'object',
    required: entries.flatMap(([name]) => (name.endsWith('?') ? [] : [name])),
    properties: Object.fromEntries(entries.map(([name, shape]) => [name.replace(/\?$/, ''), shape])),
  };
}

/** A page of a list, and where the next one begins. */
export const page = (name: string, items: Shape): Shape => object({ [name]: list(items), next: maybeText });
